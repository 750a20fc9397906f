"""`pgqueue enqueue`: one job, by its task's name."""

import difflib
import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pgqueue.cli.options import (
    Arguments,
    AsJson,
    Modules,
    SchemaName,
    Url,
    arguments,
    modules,
)
from pgqueue.cli.output import print_json
from pgqueue.cli.redaction import Redaction
from pgqueue.cli.target import target
from pgqueue.client.client import Client
from pgqueue.core.errors import AccessDenied, TaskModuleNotFound, UnknownTask
from pgqueue.tasks import loading

if TYPE_CHECKING:
    from pgqueue.tasks.task import Task


def enqueue(
    task: Annotated[str, typer.Argument(help="The task's name: module.function.")],
    args: Arguments = None,
    queue: Annotated[str | None, typer.Option(help="Another queue than the task's.")] = None,
    priority: Annotated[int | None, typer.Option(help="-100 to 100; larger runs first.")] = None,
    run_after: Annotated[float | None, typer.Option(help="Seconds to wait.")] = None,
    tasks: Modules = None,
    url: Url = None,
    schema: SchemaName = None,
    as_json: AsJson = False,
) -> int:
    """Enqueue a job and print its id; where the task's code is at hand, arguments are checked."""
    given = arguments(args)
    told = {"queue": queue, "priority": priority, "run_after": run_after}
    options: dict[str, Any] = {name: value for name, value in told.items() if value is not None}
    with target({"tasks": modules(tasks), "url": url, "schema": schema}) as here:
        found = _find(task, here.settings.tasks, must_exist=bool(tasks))
        if found is None:
            with here.client() as client:
                _warn_of_a_new_name(client, task)
                job = client.enqueue(task, given, **options)
        else:
            # Read as a worker reads them, so that text becomes a date or a UUID here too.
            positional, named = found.payload.bind_call(found.payload.decode(json.dumps(given)))
            job = found.using(**options).enqueue(*positional, **named)
        with here.client() as client:
            job = Redaction(client)(job)
    if as_json:
        print_json(job)
    else:
        print(job.id)
    return 0


def _find(name: str, modules: tuple[str, ...], *, must_exist: bool) -> "Task[..., Any] | None":
    # Told no modules, the one that the name says; it need not be here at all.
    try:
        loading.load(modules or (loading.module_of(name),))
        return loading.resolve(name)
    except TaskModuleNotFound:
        if modules:
            raise
    except UnknownTask as error:
        # Its module is here and has no such task: a name that is mistyped.
        if must_exist or not modules:
            raise error
    return None


def _warn_of_a_new_name(client: Client, name: str) -> None:
    try:
        known = [] if client.task(name) else [each.name for each in client.tasks()]
    except AccessDenied:
        return  # who may only enqueue may not look
    if known:
        near = difflib.get_close_matches(name, known, n=1)
        advice = f" Did you mean {near[0]!r}?" if near else ""
        print(f"pgqueue: no worker has recorded {name!r} yet.{advice}", file=sys.stderr)
