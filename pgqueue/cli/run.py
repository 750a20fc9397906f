"""`pgqueue run`: a task here and now, in this process, without a job."""

import asyncio
import sys
import traceback
from typing import Annotated, Any

import typer

from pgqueue.cli.options import Arguments, Modules, SchemaName, Url, arguments, modules
from pgqueue.cli.target import available
from pgqueue.core.current import (
    JobCancelled,
    JobContext,
    JobInterrupted,
    JobTimeout,
    censored,
    enter,
    leave,
)
from pgqueue.core.settings import Settings
from pgqueue.core.values.result import encode_result
from pgqueue.tasks import loading
from pgqueue.telemetry.log_lines import set_up


def run(
    task: Annotated[str, typer.Argument(help="The task's name: module.function.")],
    args: Arguments = None,
    tasks: Modules = None,
    url: Url = None,
    schema: SchemaName = None,
) -> int:
    """Run a task in this process and print its result as JSON."""
    with available({"tasks": modules(tasks), "url": url, "schema": schema}) as settings:
        set_up(settings.log_level)
        return _run(task, arguments(args), settings)


def _run(task: str, given: dict[str, Any], settings: Settings) -> int:
    loading.load(settings.tasks or (loading.module_of(task),))
    found = loading.resolve(task)
    text = found.payload.encode_mapping(given, args_bytes_max=settings.args_bytes_max)
    decoded = found.payload.decode(text)
    positional, named = found.payload.bind_call(decoded)
    here = _Here()
    secrets = found.secrets_in(text, decoded)
    token = enter(
        JobContext(id=0, attempt=1, task=found.name, args=decoded, host=here, secrets=secrets)
    )
    try:
        value = found.function(*positional, **named)
        result: Any = asyncio.run(value) if found.is_async else value
        text = encode_result(
            here.completed[-1] if here.completed else result,
            result_bytes_max=settings.result_bytes_max,
        )
    except (Exception, SystemExit, JobTimeout, JobCancelled, JobInterrupted):
        # What would fail the attempt in a worker, and a result that it would not store as it is.
        print(censored(traceback.format_exc()), end="", file=sys.stderr)
        return 1
    finally:
        leave(token)
    print(text)
    return 0


class _Here:
    """This process, as the context of the one job in it reaches it."""

    def __init__(self) -> None:
        self.completed: list[object] = []

    def progress(self, fraction: float, message: str) -> None:
        print(f"progress {fraction:.0%} {message}".rstrip(), file=sys.stderr)

    def should_stop(self) -> bool:
        return False

    def complete(self, connection: object, result: object) -> None:
        # Nothing to settle: what the task writes on its connection is its own to commit.
        self.completed.append(result)

    async def acomplete(self, connection: object, result: object) -> None:
        self.completed.append(result)
