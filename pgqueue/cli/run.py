"""`pgqueue run`: one task, here and now, in this process; no row is written for it."""

import asyncio
import json
import traceback
from typing import Annotated, Any

import typer

from pgqueue.cli import exits
from pgqueue.cli.arguments import parse
from pgqueue.cli.database import optional_place
from pgqueue.cli.options import Modules, Schema, TaskArguments, Url, joined
from pgqueue.core.current import (
    JobCancelled,
    JobContext,
    JobInterrupted,
    JobTimeout,
    enter,
    leave,
)
from pgqueue.core.errors import InvalidPayload, TaskModuleNotFound
from pgqueue.core.payload import encode_result
from pgqueue.core.settings import Settings
from pgqueue.tasks import loading
from pgqueue.tasks.registry import REGISTRY
from pgqueue.tasks.task import Task
from pgqueue.telemetry.log_lines import set_up

_TASK_ENDS = (Exception, JobTimeout, JobCancelled, JobInterrupted, SystemExit)


def run(
    task: Annotated[str, typer.Argument(metavar="TASK", help="Canonical path or alias.")],
    arguments: TaskArguments = None,
    *,
    tasks: Modules = None,
    url: Url = None,
    schema: Schema = None,
) -> None:
    """Run a task here, in this process, and print its result as JSON."""
    args = parse(arguments)
    flags = {"tasks": joined(tasks), "url": url, "schema": schema}
    with optional_place(flags) as settings:
        set_up(settings.log_level)
        found = _find(task, settings)
        values = found.payload.decode(json.dumps(args))
        try:
            result = _call(found, values)
        except _TASK_ENDS as error:
            # Without the frames of this module, which are not the task's.
            error.__traceback__ = _inner(error)
            traceback.print_exception(error)
            raise typer.Exit(exits.FAILED) from None
        try:
            print(encode_result(result))
        except InvalidPayload as error:
            exits.say(f"Error: {error}")
            raise typer.Exit(exits.FAILED) from None


def _find(name: str, settings: Settings) -> Task[..., Any]:
    loading.load(settings.tasks)
    if REGISTRY.find(name) is None:
        # The path was typed by the person who runs it, which is permission enough to import.
        try:
            loading.load([name.partition(".")[0]])
        except TaskModuleNotFound:
            pass  # then nothing answers to the name, and `resolve` says so
    return loading.resolve(name)


def _call(task: Task[..., Any], values: dict[str, Any]) -> object:
    completed: list[object] = []
    context = JobContext(
        id=0,
        attempt=1,
        task=task.name,
        args=values,
        progress=lambda fraction, message: exits.say(f"{fraction:4.0%} {message}".rstrip()),
        should_stop=lambda: False,
        complete=lambda connection, result: completed.append(result),
    )
    positional, named = task.payload.bind_call(values)
    token = enter(context)
    try:
        returned: Any = task.function(*positional, **named)
        if task.is_async:
            returned = asyncio.run(returned)
    finally:
        leave(token)
    return completed[-1] if completed else returned


def _inner(error: BaseException) -> Any:
    here = error.__traceback__
    while here is not None and here.tb_frame.f_code.co_filename == __file__:
        here = here.tb_next
    return here
