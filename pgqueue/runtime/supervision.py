"""A supervisor with its maintenance, composed for one database and run until it is stopped.

The command line calls `supervise` on its main thread. Another program, such as a web server, calls
`start_supervisor`, which takes a thread and leaves the signals alone.
"""

import threading
from concurrent.futures import Future
from contextlib import suppress
from typing import Self

from pgqueue.core.duration import Duration, seconds
from pgqueue.core.errors import InvalidOption, SchemaMismatch
from pgqueue.core.events.event import emit
from pgqueue.core.events.services import LoopFailed
from pgqueue.core.events.workers import TasksMissing
from pgqueue.maintenance import expiry, lease_expiry, overdue, rescue
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

_GRACE_SECONDS_MAX = 86_400.0


class Supervision:
    """A supervisor with its maintenance, which runs once: here with `run`, or on a thread.

    As a context manager it stops the supervisor at the end of the block, and waits for its end.
    `stop` and `wait` may be called on any thread.

    Args:
        target: The database and the settings.
        burst: Stop when nothing is queued or running.
        spare: A process for the first greenlet worker; None to start one when it is needed.
    """

    def __init__(
        self, target: Target, *, burst: bool = False, spare: SpareProcess | None = None
    ) -> None:
        event_log.install()
        self._database, settings = target.database, target.settings
        if not settings.tasks:
            emit(TasksMissing())
        reclaims = Reclaims()
        reclaim_service = reclaims.service()

        def reclaim_jobs(reclaim: Reclaim) -> None:
            reclaims.add(reclaim)
            self._maintenance.ask_for(reclaim_service.name)

        self._supervisor = Supervisor(
            self._database,
            settings,
            burst=burst,
            on_worker_ended=lambda: self._maintenance.ask_for("rescue"),
            on_reclaim=reclaim_jobs,
            spare=spare,
        )
        self._maintenance = Maintenance(
            self._database,
            [
                *lease_expiry.services(settings.lease_seconds),
                reclaim_service,
                *rescue.services(),
                *overdue.services(
                    supervisor_id=self._supervisor.id,
                    grace_seconds=settings.timeout_grace_seconds,
                    end=self._supervisor.end_overdue,
                    is_idle=self._supervisor.is_idle,
                ),
                *expiry.services(),
            ],
            turns=self._supervisor.turns,
        )
        self._maintenance.on_schema_too_new = self._supervisor.schema_too_new
        self._exit_code = Future[int]()
        # A daemon: a program that ends without a stop must not wait for ever. Its workers notice.
        self._thread = threading.Thread(target=self._run_on_thread, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.wait()

    def run(self, *, catches_signals: bool = True) -> int:
        """Run jobs until stopped, on this thread; the exit code.

        Args:
            catches_signals: Stop at a signal, which needs the main thread.
        """
        self._maintenance.start()
        try:
            exit_code = self._supervisor.run(catches_signals=catches_signals)
        finally:
            self._maintenance.stop()
            _return_jobs(self._database)
        return exit_code

    def start(self) -> None:
        """Run jobs on a thread, which catches no signal.

        Raises:
            RuntimeError: It was started before.
        """
        self._thread.start()

    def stop(self, grace_seconds: Duration | None = None) -> None:
        """Begin to stop the workers, once more to shorten the grace; returns at once.

        Args:
            grace_seconds: How long running jobs may go on, in seconds or as a timedelta; None for
                the grace of the settings.

        Raises:
            InvalidOption: *grace_seconds* is no duration of a day at most.
        """
        if grace_seconds is not None:
            grace_seconds = seconds("grace_seconds", grace_seconds, maximum=_GRACE_SECONDS_MAX)
        self._supervisor.stop(grace_seconds)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until a started supervisor has ended; its exit code, as of `pgqueue worker`.

        Raises:
            TimeoutError: It had not ended in time.
        """
        return self._exit_code.result(timeout)

    def _run_on_thread(self) -> None:
        try:
            self._exit_code.set_result(self.run(catches_signals=False))
        except BaseException as error:
            # Perhaps nobody waits.
            emit(LoopFailed(loop="supervisor", failures=1, pause_seconds=0.0, error=error))
            self._exit_code.set_exception(error)


def supervise(target: Target, *, burst: bool = False, spare: SpareProcess | None = None) -> int:
    """Run jobs until a signal stops the workers; the exit code. For the main thread only.

    Args:
        target: The database and the settings.
        burst: Stop when nothing is queued or running.
        spare: A process for the first greenlet worker; None to start one when it is needed.
    """
    return Supervision(target, burst=burst, spare=spare).run()


def start_supervisor(target: Target) -> Supervision:
    """Run jobs on a thread of this program until `stop`, or to the end of a `with` block.

    No signal handler is set. Each worker is a process of its own, which imports the tasks.

    Raises:
        InvalidOption: *target* is not what `open_target` yields.
    """
    if not isinstance(target, Target):
        raise InvalidOption("target", target, "pass what `with open_target({...})` yields.")
    supervision = Supervision(target)
    supervision.start()
    return supervision


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
