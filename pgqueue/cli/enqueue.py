"""`pgqueue enqueue`: one job, by its task's name."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pgqueue.cli.messages import print_warning
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
from pgqueue.cli.target import command_target
from pgqueue.client.client import Client
from pgqueue.core.errors import AccessDenied, TaskModuleNotFound, UnknownTask
from pgqueue.core.similar_name import similar_name
from pgqueue.runtime.redaction import Redaction
from pgqueue.tasks import loading

if TYPE_CHECKING:
    from pgqueue.core.job import Job
    from pgqueue.tasks.task import Task


def enqueue(
    task: Annotated[str, typer.Argument(help="The task's name: module.function.")],
    args: Arguments = None,
    queue: Annotated[
        str | None, typer.Option(help="The job's queue; without it, the task's queue.")
    ] = None,
    priority: Annotated[int | None, typer.Option(help="-100 to 100; larger runs first.")] = None,
    run_after: Annotated[
        float | None, typer.Option(help="Seconds from now until the job may run.")
    ] = None,
    tasks: Modules = None,
    url: Url = None,
    schema: SchemaName = None,
    as_json: AsJson = False,
) -> int:
    """Enqueue a job and print its id; if the task can be imported here, its arguments are checked.

    The module of the task is the one that its name says, unless --tasks names others.
    """
    args_by_name = arguments(args)
    values = {"queue": queue, "priority": priority, "run_after": run_after}
    options: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
    with command_target({"tasks": modules(tasks), "url": url, "schema": schema}) as target:
        loaded = _load(task, target.settings.tasks, must_exist=bool(tasks))
        with target.client() as client:
            if loaded is None:
                _warn_of_unknown_name(client, task)
                job = client.enqueue(task, args_by_name, **options)
            else:
                job = _enqueue_loaded(loaded, args_by_name, options)
            job = Redaction(client)(job)
    if as_json:
        print_json(job)
    else:
        print(job.id)
    return 0


def _enqueue_loaded(task: "Task[..., Any]", args: dict[str, Any], options: dict[str, Any]) -> "Job":
    # Decode the arguments as a worker does, so that text becomes a date or a UUID as well.
    decoded = task.payload.decode(json.dumps(args))
    positional, named = task.payload.bind_call(decoded)
    return task.using(**options).enqueue(*positional, **named)


def _load(name: str, modules: tuple[str, ...], *, must_exist: bool) -> "Task[..., Any] | None":
    # Without a list of modules, try the module that the name says; it may be missing here.
    try:
        loading.load(modules or (loading.module_of(name),))
        return loading.resolve(name)
    except TaskModuleNotFound:
        if modules:
            raise
    except UnknownTask:
        # The module is here and has no such task: the name is mistyped.
        if must_exist or not modules:
            raise
    return None


def _warn_of_unknown_name(client: Client, name: str) -> None:
    try:
        known = [] if client.task(name) else [task.name for task in client.tasks()]
    except AccessDenied:
        return  # a role that may only enqueue cannot read the tasks
    if known:
        similar = similar_name(name, known)
        advice = f" Did you mean {similar!r}?" if similar else ""
        print_warning(f"no worker has recorded {name!r} yet.{advice}")
