"""`pgqueue enqueue`: one job, by its task's name."""

import json
from typing import Annotated, Any

import typer

from pgqueue.cli.database import place
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
from pgqueue.core.errors import UnknownTask
from pgqueue.tasks import loading


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
    """Enqueue a job and print its id; with the task's code at hand, its arguments are checked."""
    given = arguments(args)
    told = {"queue": queue, "priority": priority, "run_after": run_after}
    options: dict[str, Any] = {name: value for name, value in told.items() if value is not None}
    with place({"tasks": modules(tasks), "url": url, "schema": schema}) as here:
        loading.load(here.settings.tasks)
        try:
            found = loading.resolve(task)
        except UnknownTask:
            if tasks:
                raise
            with here.client() as client:
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
