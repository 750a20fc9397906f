"""`pgqueue worker`: a supervisor and its children, with the maintenance beside them."""

import logging
from contextlib import suppress
from typing import Annotated

import typer

from pgqueue.cli.database import Place, place
from pgqueue.cli.options import Modules, SchemaName, Url, modules
from pgqueue.core.errors import SchemaMismatch
from pgqueue.maintenance import expiry, rescue, timeouts
from pgqueue.maintenance.recall import Recalls
from pgqueue.maintenance.service import Maintenance
from pgqueue.maintenance.silence import Silence
from pgqueue.process import signals
from pgqueue.process.recall import Recall
from pgqueue.process.supervisor import Supervisor
from pgqueue.store import version
from pgqueue.store.connect import Database
from pgqueue.store.faults import FAILED, PASSING
from pgqueue.telemetry.log_lines import set_up

_log = logging.getLogger("pgqueue.cli")


def worker(
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
    with signals.ending(), place(flags, migrate_embedded=True) as here:
        set_up(here.settings.log_level)
        return _supervise(here, burst=burst)


def _supervise(here: Place, *, burst: bool) -> int:
    if not here.settings.tasks:
        _log.warning("no tasks loaded: --tasks or the setting tasks names their modules")
    silence, recalls = Silence(here.settings.lease_seconds), Recalls()

    def take_back(recall: Recall) -> None:
        recalls.add(recall)
        maintenance.ask_for("recall")

    supervisor = Supervisor(
        here.database,
        here.settings,
        burst=burst,
        on_worker_ended=lambda: maintenance.ask_for("rescue"),
        on_reached=silence.reached,
        on_recall=take_back,
    )
    maintenance = Maintenance(
        here.database,
        [
            silence.service(),
            recalls.service(),
            *rescue.services(),
            *timeouts.services(
                supervisor_id=supervisor.id,
                grace_seconds=here.settings.timeout_grace_seconds,
                end=supervisor.end_overdue,
            ),
            *expiry.services(),
        ],
    )
    maintenance.on_outgrown = supervisor.outgrown
    maintenance.start()
    try:
        code = supervisor.run()
    finally:
        maintenance.stop()
    _hand_back(here.database)
    return code


def _hand_back(database: Database) -> None:
    # The last workers' ends are written; what they left is queued again before we go. Without
    # the database, or with a schema that serves this release no more, another supervisor does it.
    with suppress(SchemaMismatch, *PASSING, *FAILED):
        link = database.open("pgqueue farewell")
        try:
            version.check(link)
            rescue.rescue(link)
        finally:
            link.close()
