"""`pgqueue run`: a task here and now, in this process, without a job."""

import sys
from typing import Annotated

import typer

from pgqueue.cli.messages import print_warning
from pgqueue.cli.options import Arguments, Modules, SchemaName, Url, arguments, modules
from pgqueue.cli.output import print_json_text
from pgqueue.core.exit_codes import EXIT_FAILED
from pgqueue.runtime.target import settings_for_inline
from pgqueue.tasks import loading
from pgqueue.tasks.inline import run_inline
from pgqueue.telemetry import log_setup


def run(
    task: Annotated[str, typer.Argument(help="The task's name: module.function.")],
    args: Arguments = None,
    tasks: Modules = None,
    url: Url = None,
    schema: SchemaName = None,
) -> int:
    """Run a task in this process and print its result as JSON."""
    flags = {"tasks": modules(tasks), "url": url, "schema": schema}
    with settings_for_inline(flags, warn=print_warning) as settings:
        log_setup.prepare(settings)
        args_by_name = arguments(args)
        loading.load(settings.tasks or (loading.module_of(task),))
        log_setup.complete(settings)
        loaded = loading.resolve(task)
        ended = run_inline(loaded, args_by_name, settings, on_progress=_print_progress)
    if ended.traceback is not None:
        print(ended.traceback, end="", file=sys.stderr)
        return EXIT_FAILED
    if ended.result is not None:
        print_json_text(ended.result)
    return 0


def _print_progress(fraction: float, message: str) -> None:
    print(f"progress {fraction:.0%} {message}".rstrip(), file=sys.stderr)
