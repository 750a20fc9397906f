"""`pgqueue run`: a task here and now, in this process, without a job."""

import asyncio
import sys
import traceback
from typing import Annotated, Any

import typer

from pgqueue.cli.options import Arguments, Modules, SchemaName, Url, arguments, modules
from pgqueue.core.current import (
    JobCancelled,
    JobContext,
    JobInterrupted,
    JobTimeout,
    enter,
    leave,
)
from pgqueue.core.result import encode_result
from pgqueue.core.settings import load_settings
from pgqueue.store.embedded import is_embedded
from pgqueue.tasks import loading
from pgqueue.tasks.default import configure
from pgqueue.telemetry.log_lines import set_up


def run(
    task: Annotated[str, typer.Argument(help="The task's name: module.function.")],
    args: Arguments = None,
    tasks: Modules = None,
    url: Url = None,
    schema: SchemaName = None,
) -> int:
    """Run a task in this process and print its result as JSON."""
    flags = {"tasks": modules(tasks), "url": url, "schema": schema}
    settings = load_settings({name: value for name, value in flags.items() if value is not None})
    set_up(settings.log_level)
    if settings.url is not None and not is_embedded(settings.url):
        configure(url=settings.url, schema=settings.schema)
    loading.load(settings.tasks or (_module_of(task),))
    found = loading.resolve(task)
    text = found.payload.encode_mapping(arguments(args), args_bytes_max=settings.args_bytes_max)
    decoded = found.payload.decode(text)
    positional, named = found.payload.bind_call(decoded)
    completed: list[object] = []
    token = enter(_context(found.name, decoded, completed))
    try:
        value = found.function(*positional, **named)
        result: Any = asyncio.run(value) if found.is_async else value
        text = encode_result(
            completed[-1] if completed else result, result_bytes_max=settings.result_bytes_max
        )
    except (Exception, SystemExit, JobTimeout, JobCancelled, JobInterrupted):
        # What would fail the attempt in a worker, and a result that it would not store as it is.
        traceback.print_exc()
        return 1
    finally:
        leave(token)
    print(text)
    return 0


def _module_of(name: str) -> str:
    return name.rpartition(".")[0] or name


def _context(name: str, args: dict[str, Any], completed: list[object]) -> JobContext:
    def say(fraction: float, message: str) -> None:
        print(f"progress {fraction:.0%} {message}".rstrip(), file=sys.stderr)

    async def acomplete(connection: object, result: object) -> None:
        completed.append(result)

    # Nothing to settle: what the task writes on its connection is its own to commit.
    return JobContext(
        id=0,
        attempt=1,
        task=name,
        args=args,
        progress=say,
        should_stop=lambda: False,
        complete=lambda connection, result: completed.append(result),
        acomplete=acomplete,
    )
