"""`pgqueue worker`: the supervisor of children, of which `launch` began the first as a rule."""

from typing import Annotated

import typer

from pgqueue.cli.options import Modules, SchemaName, Url, modules
from pgqueue.process import signals


def worker(
    context: typer.Context,
    queues: Annotated[
        list[str] | None,
        typer.Argument(metavar="[QUEUE]...", help="In strict order; `mail/` takes sub-queues."),
    ] = None,
    processes: Annotated[int | None, typer.Option(help="Greenlet children.")] = None,
    greenlets: Annotated[int | None, typer.Option(help="Jobs at once in each of them.")] = None,
    cpus: Annotated[int | None, typer.Option(help="Children for process tasks.")] = None,
    coroutines: Annotated[int | None, typer.Option(help="Jobs at once in asyncio.")] = None,
    tasks: Modules = None,
    strategy: Annotated[str | None, typer.Option(help="strict or round_robin.")] = None,
    grace: Annotated[float | None, typer.Option(help="Seconds to finish when stopped.")] = None,
    burst: Annotated[bool, typer.Option(help="Exit when nothing is queued or running.")] = False,
    url: Url = None,
    schema: SchemaName = None,
) -> int:
    """Run jobs until stopped: once lets running jobs finish, twice hands them back now."""
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
        # Here, because no page of help needs it.
        from pgqueue.cli.supervision import supervise

        return supervise(flags, burst=burst, spare=context.obj)
