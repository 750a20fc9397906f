"""The options that select jobs, declared once for all commands that take them."""

import inspect
import json
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

from pgqueue.core.errors import InvalidOption

Selection = dict[str, Any]
"""`ids` and filters, as the verbs of a client take them; an option that is not set is left out."""

Ids = Annotated[
    list[int] | None,
    typer.Argument(metavar="[ID]...", help="Ids of jobs.", show_default=False),
]
Status = Annotated[
    list[str] | None,
    typer.Option(help="Jobs with this status, such as failed; repeat it, or separate with commas."),
]
TaskName = Annotated[
    str | None, typer.Option("--task", help="Jobs of this task; `*` stands for any characters.")
]
QueueName = Annotated[
    str | None, typer.Option("--queue", help="Jobs of this queue; `mail/` takes its sub-queues.")
]
WorkerId = Annotated[
    int | None, typer.Option("--worker", help="Jobs that this worker has, or had last; by id.")
]
ArgsJson = Annotated[
    str | None, typer.Option("--args", help="Jobs whose arguments contain this JSON.")
]


def takes_filters(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options of `select`, instead of its parameter `selection`."""
    signature = inspect.signature(command)
    options = inspect.signature(select).parameters
    own = [param for param in signature.parameters.values() if param.name != "selection"]

    @wraps(command)
    def with_filters(**values: Any) -> int:
        selection = select(**{name: values.pop(name) for name in options})
        return command(selection=selection, **values)

    # Typer reads the signature and the annotations.
    parameters = [param.replace(kind=param.KEYWORD_ONLY) for param in (*options.values(), *own)]
    with_filters.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_filters.__annotations__ = {param.name: param.annotation for param in parameters}
    return with_filters


def select(
    ids: Ids = None,
    status: Status = None,
    task: TaskName = None,
    queue: QueueName = None,
    worker: WorkerId = None,
    args: ArgsJson = None,
) -> Selection:
    """The selection that the options make; empty without any option.

    Raises:
        InvalidOption: `--args` is no JSON.
    """
    statuses = [name for option in status or () for name in option.split(",") if name]
    selection: Selection = {
        "ids": ids or None,
        "status": statuses or None,
        "task": task,
        "queue": queue,
        "worker": worker,
    }
    if args is not None:
        try:
            selection["args"] = json.loads(args)
        except ValueError as error:
            raise InvalidOption("--args", args, f"it is no JSON: {error}.") from error
    return {name: value for name, value in selection.items() if value is not None}
