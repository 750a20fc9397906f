"""A supervisor with the maintenance beside it, as `pgqueue worker` runs them."""

import logging
from collections.abc import Mapping
from contextlib import suppress

from pgqueue.cli.target import Target, target
from pgqueue.core.errors import SchemaMismatch
from pgqueue.maintenance import expiry, rescue, timeouts
from pgqueue.maintenance.lease_expiry import LeaseExpiry
from pgqueue.maintenance.reclaim import Reclaims
from pgqueue.maintenance.service import Maintenance
from pgqueue.process.blocked_thread import Reclaim
from pgqueue.process.spare_process import SpareProcess
from pgqueue.process.supervisor import Supervisor
from pgqueue.store import schema_version
from pgqueue.store.connection.database import Database
from pgqueue.store.database_errors import DATABASE_ERRORS, TRANSIENT_ERRORS
from pgqueue.telemetry.log_lines import set_up

_log = logging.getLogger("pgqueue.cli")


def supervise(flags: Mapping[str, object], *, burst: bool, spare: SpareProcess | None) -> int:
    """Run jobs until stopped; the exit code.

    Args:
        flags: Settings given on the command line; None stands for not given.
        burst: Stop when nothing is queued or running.
        begun: A process for the first greenlet worker; None to begin one when it is needed.
    """
    with target(flags, migrate_embedded=True) as here:
        set_up(here.settings.log_level)
        return _supervise(here, burst=burst, spare=spare)


def _supervise(here: Target, *, burst: bool, spare: SpareProcess | None) -> int:
    if not here.settings.tasks:
        _log.warning("no tasks loaded: --tasks or the setting tasks names their modules")
    lease_expiry, reclaims = LeaseExpiry(here.settings.lease_seconds), Reclaims()

    def take_back(reclaim: Reclaim) -> None:
        reclaims.add(reclaim)
        maintenance.ask_for("reclaim")

    supervisor = Supervisor(
        here.database,
        here.settings,
        burst=burst,
        on_worker_ended=lambda: maintenance.ask_for("rescue"),
        on_reached=lease_expiry.record_contact,
        on_reclaim=take_back,
        spare=spare,
    )
    maintenance = Maintenance(
        here.database,
        [
            lease_expiry.service(),
            reclaims.service(),
            *rescue.services(),
            *timeouts.services(
                supervisor_id=supervisor.id,
                grace_seconds=here.settings.timeout_grace_seconds,
                end=supervisor.end_overdue,
            ),
            *expiry.services(),
        ],
    )
    maintenance.on_schema_too_new = supervisor.schema_too_new
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
    with suppress(SchemaMismatch, *TRANSIENT_ERRORS, *DATABASE_ERRORS):
        link = database.open("pgqueue farewell")
        try:
            schema_version.check(link)
            rescue.rescue(link)
        finally:
            link.close()
