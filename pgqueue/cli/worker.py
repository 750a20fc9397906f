"""`pgqueue worker`: a supervisor of workers. `launch` usually started a process for the first."""

from typing import Annotated

import typer

from pgqueue.cli.messages import print_warning
from pgqueue.cli.options import Modules, SchemaName, Url, modules
from pgqueue.core.settings import load_settings
from pgqueue.process import signals


def worker(
    context: typer.Context,
    queues: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[QUEUE]...",
            help="Queues to run jobs of, in strict order; `mail/` takes its sub-queues.",
        ),
    ] = None,
    processes: Annotated[int | None, typer.Option(help="Worker processes with greenlets.")] = None,
    greenlets: Annotated[
        int | None, typer.Option(help="Jobs that each of these runs at once.")
    ] = None,
    cpus: Annotated[
        int | None, typer.Option(help="Worker processes for tasks with executor=process.")
    ] = None,
    coroutines: Annotated[
        int | None, typer.Option(help="Jobs that the asyncio worker runs at once.")
    ] = None,
    tasks: Modules = None,
    strategy: Annotated[
        str | None, typer.Option(help="Order of the queues: strict or round_robin.")
    ] = None,
    grace: Annotated[
        float | None, typer.Option(help="Seconds that running jobs may go on after a signal.")
    ] = None,
    burst: Annotated[bool, typer.Option(help="Exit when nothing is queued or running.")] = False,
    url: Url = None,
    schema: SchemaName = None,
) -> int:
    """Run jobs until a signal stops the workers.

    The first signal lets running jobs finish within the grace. The second returns them to the
    queue now.
    """
    flags = {
        "queues": tuple(queues) if queues else None,
        "processes": processes,
        "greenlets": greenlets,
        "cpus": cpus,
        "coroutines": coroutines,
        "tasks": modules(tasks),
        "strategy": strategy,
        "grace_seconds": grace,
        "url": url,
        "schema": schema,
    }
    with signals.exit_on_stop():
        # Here, because a page of help should not wait for these imports.
        from pgqueue.runtime.supervision import supervise
        from pgqueue.runtime.target import open_target
        from pgqueue.telemetry import log_setup

        settings = load_settings(flags)
        log_setup.print_lines(settings)
        # A reader of JSON finds no other lines.
        warn = print_warning if settings.log_format == "text" else None
        with open_target(flags, migrate_embedded=True, warn=warn) as target:
            return supervise(target, burst=burst, spare=context.obj)
