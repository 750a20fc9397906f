"""The options that choose jobs, written once for all commands that take them."""

import inspect
import json
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

from pgqueue.core.errors import InvalidOption

Chosen = dict[str, Any]
"""`ids` and the filters that were given, as the verbs of a client take them."""

Ids = Annotated[list[int] | None, typer.Argument(metavar="[ID]...", show_default=False)]
Status = Annotated[
    list[str] | None, typer.Option(help="For example failed; repeat it, or separate with commas.")
]
TaskName = Annotated[str | None, typer.Option("--task", help="`*` stands for anything.")]
QueueName = Annotated[str | None, typer.Option("--queue", help="`mail/` takes sub-queues.")]
WorkerId = Annotated[int | None, typer.Option("--worker", help="A worker's id.")]
ArgsJson = Annotated[str | None, typer.Option("--args", help="JSON that the arguments contain.")]


def takes_filters(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options in the place of its parameter `chosen`."""
    signature = inspect.signature(command)
    options = inspect.signature(chosen).parameters
    own = [each for each in signature.parameters.values() if each.name != "chosen"]

    @wraps(command)
    def with_filters(**told: Any) -> int:
        found = chosen(**{name: told.pop(name) for name in options})
        return command(chosen=found, **told)

    # What Typer reads, of a function and of its parameters.
    parameters = [each.replace(kind=each.KEYWORD_ONLY) for each in (*options.values(), *own)]
    with_filters.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_filters.__annotations__ = {each.name: each.annotation for each in parameters}
    return with_filters


def chosen(
    ids: Ids = None,
    status: Status = None,
    task: TaskName = None,
    queue: QueueName = None,
    worker: WorkerId = None,
    args: ArgsJson = None,
) -> Chosen:
    """Collect what was given.

    Raises:
        InvalidOption: `--args` is no JSON.
    """
    statuses = [word for each in status or () for word in each.split(",") if word]
    told: Chosen = {
        "ids": ids or None,
        "status": statuses or None,
        "task": task,
        "queue": queue,
        "worker": worker,
    }
    if args is not None:
        try:
            told["args"] = json.loads(args)
        except ValueError as error:
            raise InvalidOption("--args", args, f"it is no JSON: {error}.") from error
    return {name: value for name, value in told.items() if value is not None}
