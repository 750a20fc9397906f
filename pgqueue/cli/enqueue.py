"""`pgqueue enqueue`: one job, checked by its task where the task can be loaded here."""

import json
from typing import Annotated

import typer

from pgqueue.cli.arguments import parse
from pgqueue.cli.database import place
from pgqueue.cli.options import AsJson, Modules, Schema, TaskArguments, Url, joined
from pgqueue.cli.output import print_json, record
from pgqueue.core.errors import UnknownTask
from pgqueue.core.options import CallKeywords
from pgqueue.tasks import loading


def enqueue(
    task: Annotated[str, typer.Argument(metavar="TASK", help="Canonical path or alias.")],
    arguments: TaskArguments = None,
    *,
    queue: Annotated[str | None, typer.Option(help="Where the job waits.")] = None,
    priority: Annotated[
        int | None, typer.Option(help="-100 to 100, larger runs first.", show_default=False)
    ] = None,
    run_after: Annotated[float | None, typer.Option(help="Seconds from now.")] = None,
    tasks: Modules = None,
    as_json: AsJson = False,
    url: Url = None,
    schema: Schema = None,
) -> None:
    """Insert one job and print its id.

    With modules to load (`--tasks`, or the setting) the task checks the arguments first; without
    them the job is enqueued by name alone.
    """
    args = parse(arguments)
    options: CallKeywords = {}
    if queue is not None:
        options["queue"] = queue
    if priority is not None:
        options["priority"] = priority
    if run_after is not None:
        options["run_after"] = run_after
    with place({"tasks": joined(tasks), "url": url, "schema": schema}) as found:
        client = found.client()
        loading.load(found.settings.tasks)
        try:
            known = loading.resolve(task)
        except UnknownTask:
            if tasks:
                raise
            job = client.enqueue(task, args, **options)
        else:
            # Read as a worker reads them, so that text becomes a UUID or a date here too.
            positional, named = known.payload.bind_call(known.payload.decode(json.dumps(args)))
            job = known.using(**options).enqueue(*positional, **named)
    if as_json:
        print_json(record(job))
    else:
        print(job.id)
