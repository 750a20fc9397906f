"""A supervisor with its maintenance, composed for one database and run until it is stopped.

Doors call `supervise`: the command line, a web framework's lifespan, a test.
"""

from contextlib import suppress

from pgqueue.core.errors import SchemaMismatch
from pgqueue.core.events.event import emit
from pgqueue.core.events.workers import TasksMissing
from pgqueue.maintenance import expiry, overdue, rescue
from pgqueue.maintenance.lease_expiry import LeaseExpiry
from pgqueue.maintenance.reclaim import Reclaims
from pgqueue.maintenance.service import Maintenance
from pgqueue.process.blocked_thread import Reclaim
from pgqueue.process.spare_process import SpareProcess
from pgqueue.process.supervisor import Supervisor
from pgqueue.runtime.target import Target
from pgqueue.store import schema_version
from pgqueue.store.connection.database import Database
from pgqueue.store.database_errors import DATABASE_ERRORS, TRANSIENT_ERRORS
from pgqueue.telemetry import event_log


def supervise(target: Target, *, burst: bool = False, spare: SpareProcess | None = None) -> int:
    """Run jobs until stopped; the exit code. To be called on the main thread, for its signals.

    Args:
        target: The database and the settings.
        burst: Stop when nothing is queued or running.
        spare: A process for the first greenlet worker; None to start one when it is needed.
    """
    event_log.install()
    database, settings = target.database, target.settings
    if not settings.tasks:
        emit(TasksMissing())
    lease_expiry, reclaims = LeaseExpiry(settings.lease_seconds), Reclaims()
    reclaim_service = reclaims.service()

    def reclaim_jobs(reclaim: Reclaim) -> None:
        reclaims.add(reclaim)
        maintenance.ask_for(reclaim_service.name)

    supervisor = Supervisor(
        database,
        settings,
        burst=burst,
        on_worker_ended=lambda: maintenance.ask_for("rescue"),
        on_reached=lease_expiry.record_contact,
        on_reclaim=reclaim_jobs,
        spare=spare,
    )
    maintenance = Maintenance(
        database,
        [
            lease_expiry.service(),
            reclaim_service,
            *rescue.services(),
            *overdue.services(
                supervisor_id=supervisor.id,
                grace_seconds=settings.timeout_grace_seconds,
                end=supervisor.end_overdue,
            ),
            *expiry.services(),
        ],
    )
    maintenance.on_schema_too_new = supervisor.schema_too_new
    maintenance.start()
    try:
        exit_code = supervisor.run()
    finally:
        maintenance.stop()
    _return_jobs(database)
    return exit_code


def _return_jobs(database: Database) -> None:
    # The rows of the last workers say that they ended; their jobs return to the queue before this
    # process ends. Without the database, or with a schema too new for this release, the jobs wait
    # for another supervisor.
    with suppress(SchemaMismatch, *TRANSIENT_ERRORS, *DATABASE_ERRORS):
        link = database.open("pgqueue shutdown")
        try:
            schema_version.check(link)
            rescue.rescue(link)
        finally:
            link.close()
