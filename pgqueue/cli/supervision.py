"""A supervisor with the maintenance beside it, as `pgqueue worker` runs them."""

import logging
from collections.abc import Mapping
from contextlib import suppress

from pgqueue.cli.database import Place, place
from pgqueue.core.errors import SchemaMismatch
from pgqueue.maintenance import expiry, rescue, timeouts
from pgqueue.maintenance.recall import Recalls
from pgqueue.maintenance.service import Maintenance
from pgqueue.maintenance.silence import Silence
from pgqueue.process.interpreter import Interpreter
from pgqueue.process.recall import Recall
from pgqueue.process.supervisor import Supervisor
from pgqueue.store import version
from pgqueue.store.connect import Database
from pgqueue.store.faults import FAILED, PASSING
from pgqueue.telemetry.log_lines import set_up

_log = logging.getLogger("pgqueue.cli")


def supervise(flags: Mapping[str, object], *, burst: bool, begun: Interpreter | None) -> int:
    """Run jobs until stopped; the exit code.

    Args:
        flags: Settings given on the command line; None stands for not given.
        burst: Stop when nothing is queued or running.
        begun: A process for the first greenlet worker; None to begin one when it is needed.
    """
    with place(flags, migrate_embedded=True) as here:
        set_up(here.settings.log_level)
        return _supervise(here, burst=burst, begun=begun)


def _supervise(here: Place, *, burst: bool, begun: Interpreter | None) -> int:
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
        begun=begun,
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
