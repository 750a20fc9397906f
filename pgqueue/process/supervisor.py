"""The parent of a host's workers: composes the parts that start, watch, replace and stop them.

Its main thread waits for signals and children, and never for the database. `WorkerRegistry` runs
its statements, and `Dispatcher` reads the queues. It imports neither gevent nor user code. SQL
decides what happens to the jobs of a worker that ended, from the row that is written here.
"""

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from pgqueue import __version__
from pgqueue.core import errors
from pgqueue.core.events.event import emit
from pgqueue.core.events.services import ConnectionsShort, SchemaTooNewEvent
from pgqueue.core.events.workers import SupervisorStarted, SupervisorStopped, WorkerRefused
from pgqueue.core.exit_codes import EXIT_DATABASE
from pgqueue.core.lease_limits import listed_seconds
from pgqueue.core.settings import Settings
from pgqueue.process.blocked_thread import Reclaim
from pgqueue.process.burst import Burst
from pgqueue.process.child import Child, ExitReason
from pgqueue.process.counters import Counters, Usage
from pgqueue.process.dispatcher import Dispatcher
from pgqueue.process.fleet import Fleet
from pgqueue.process.health import Health
from pgqueue.process.launcher import Launcher
from pgqueue.process.orphans import reap_orphans
from pgqueue.process.reactor import Reactor
from pgqueue.process.request_reader import RequestReader
from pgqueue.process.shutdown import Shutdown
from pgqueue.process.signals import Signals
from pgqueue.process.spare_process import SpareProcess
from pgqueue.process.turns import Turns
from pgqueue.process.unknown_tasks import UnknownTasks
from pgqueue.process.wake_ups import WakeUps
from pgqueue.process.worker_pool import WorkerKind, connections_needed, pool_for
from pgqueue.process.worker_registry import WorkerRegistry
from pgqueue.store import server, supervisors
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.requests import CANCEL, Request
from pgqueue.store.statement import run
from pgqueue.store.supervisors import SupervisorIdentity
from pgqueue.store.workers import OverdueJob

_BURST_POLL_SECONDS = 0.1


class Supervisor:
    """Runs workers until it is stopped; `run` returns the exit code.

    `stop`, `end_overdue`, `schema_too_new` and `usage` may be called on any thread. Everything else
    runs on the thread that calls `run`, which writes all fields.

    Args:
        database: Where the queue is.
        settings: Sizes, times and limits, of the children too.
        burst: Stop when nothing is queued or running in the queues.
        on_worker_ended: Called after a worker's end is written, on another thread: now its jobs
            can be rescued.
        on_reclaim: Called with jobs that wait behind a job that blocks its worker's main thread.
        spare: A started process, for the first worker of its executor.

    Attributes:
        id: This supervisor's id, in the rows of its workers.
        turns: Its turns at the work that one supervisor does for all.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        *,
        burst: bool = False,
        on_worker_ended: Callable[[], None] = lambda: None,
        on_reclaim: Callable[[Reclaim], None] = lambda reclaim: None,
        spare: SpareProcess | None = None,
    ) -> None:
        self.settings = settings
        self._was_ready = False
        identity = _identity(settings)
        link = database.open("pgqueue supervisor")
        try:
            compare_connections(link, settings)
            # Last: after a failure, a row would look like a live supervisor for a week.
            self.id = _register(link, identity)
        finally:
            link.close()
        self.turns = Turns()
        self._reactor = Reactor()
        self._registry = WorkerRegistry(
            database,
            supervisor_id=self.id,
            lease_seconds=settings.lease_seconds,
            heartbeat_seconds=settings.heartbeat_seconds,
            on_renewed=self._on_renewed,
            usage=self.usage,
            turns=self.turns,
            is_idle=self.is_idle,
        )
        self._unknown_tasks = UnknownTasks(self._registry)
        launcher = Launcher(
            database,
            settings,
            self._registry,
            self._unknown_tasks,
            supervisor_id=self.id,
            spare=spare,
            on_end_recorded=on_worker_ended,
        )
        self._fleet = Fleet(
            settings,
            launcher,
            self._reactor,
            on_message=self._handle_message,
            on_ended=self._on_child_ended,
        )
        self._shutdown = Shutdown(
            self._fleet,
            self._reactor,
            supervisor_id=self.id,
            grace_seconds=settings.grace_seconds,
        )
        self._health = Health(self._fleet, self._reactor, settings, on_reclaim=on_reclaim)
        self._burst = Burst(self._fleet, self._shutdown) if burst else None
        self._dispatcher = self._dispatcher_of(database, identity)

    def run(self, *, catches_signals: bool = True) -> int:
        """Start the workers and wait until they are stopped; the exit code.

        Args:
            catches_signals: Stop at a signal, which needs the main thread. Without signals, the
                end of a worker is noticed within a second.
        """
        # In another program the ended processes may belong to the program.
        inherits_orphans = catches_signals and os.getpid() == 1
        with ExitStack() as stack:
            if catches_signals:
                signals = stack.enter_context(Signals())
                self._reactor.register(signals, partial(self._on_signals, signals))
            # Before the first renewal, which records the wanted slots.
            self._fleet.want_pool(WorkerKind("greenlet"))
            self._registry.start()
            self._dispatcher.start()
            try:
                self._serve(inherits_orphans=inherits_orphans)
            finally:
                # After an error, too: the registry would renew the leases of workers that nobody
                # watches, and their jobs would stay running.
                self._fleet.kill_all("its supervisor failed")
                self.close()
        emit(SupervisorStopped(supervisor_id=self.id))
        return self._shutdown.exit_code

    def _serve(self, *, inherits_orphans: bool) -> None:
        self._health.check_blocked_threads()
        queues = ", ".join(self.settings.queues)
        emit(SupervisorStarted(supervisor_id=self.id, queues=queues))
        while not self._shutdown.is_over:
            self._reactor.run_once()
            self._reactor.call(self._fleet.collect_ended)
            if inherits_orphans:
                reap_orphans([child.pid for child in self._fleet.children.values()])

    def close(self) -> None:
        """Make the last writes and close all files; a supervisor that has run is closed."""
        self._dispatcher.stop(timeout=0)
        self._registry.submit(supervisors.stop(self.id), lambda _: None)
        self._shutdown.write_last(self._registry)
        self._reactor.close()

    def stop(self, grace_seconds: float | None = None) -> None:
        """Stop in order, once more to shorten the grace; on any thread.

        Args:
            grace_seconds: How long running jobs may go on; None for the grace of the settings.
        """
        self._reactor.call_soon_threadsafe(partial(self._shutdown.begin, grace_seconds))

    def schema_too_new(self, error: errors.SchemaTooNew) -> None:
        """Stop in order, because the schema no longer supports this release; on any thread."""
        self._reactor.call_soon_threadsafe(partial(self._stop_for_schema, str(error)))

    def end_overdue(self, overdue: OverdueJob) -> None:
        """Kill the worker of a job past its deadline, if this job resists; on any thread."""
        self._reactor.call_soon_threadsafe(partial(self._health.end_overdue, overdue))

    def usage(self) -> Usage:
        """How busy the workers are; on any thread."""
        return self._fleet.usage()

    def is_idle(self) -> bool:
        """Whether no worker has a job; on any thread."""
        return self._fleet.is_idle

    @property
    def worker_ids(self) -> list[int]:
        """The ids of the live workers."""
        return list(self._fleet.children)

    def _dispatcher_of(self, database: Database, identity: SupervisorIdentity) -> Dispatcher:
        settings, call_soon = self.settings, self._reactor.call_soon_threadsafe
        wake_ups = WakeUps(self._fleet, settings)
        burst = self._burst
        # Through a pooler nobody can listen: `listen_url` leads past it.
        listened = Database(settings.listen_url or database.url, database.schema)
        request_reader = RequestReader(
            self.id, lambda requests: call_soon(partial(self._send_requests, requests))
        )
        dispatcher = Dispatcher(
            listened,
            supervisor_id=self.id,
            identity=identity,
            turns=self.turns,
            polls_alone=burst is not None,
            request_reader=request_reader,
            poll_seconds=_BURST_POLL_SECONDS if burst else settings.poll_seconds,
            on_ready=lambda ready, wakes: call_soon(partial(wake_ups.wake, ready, wakes)),
            waiting_kinds=wake_ups.waiting_kinds,
            on_idle=(lambda jobs: call_soon(partial(burst.check, jobs))) if burst else None,
        )
        dispatcher.on_schema_too_new = self.schema_too_new
        return dispatcher

    # Callbacks, on the main thread unless a comment names another one.

    def _on_signals(self, signals: Signals) -> None:
        for _ in range(signals.read_stop_count()):
            self._shutdown.stop_signalled()

    def _on_renewed(self, expired_ids: set[int], renewed_at: float) -> None:
        # On the registry's thread.
        check = partial(self._health.check_leases, expired_ids, renewed_at)
        self._reactor.call_soon_threadsafe(check)

    def _handle_message(self, child: Child, message: dict[str, Any]) -> None:
        match message:
            case {"verb": "counters", **numbers}:
                child.report.counters = Counters(**numbers)
            case {"verb": "ready", "executors": executors}:
                child.report.is_ready = self._was_ready = True
                self._want_pools(executors)
            case {"verb": "executors", "executors": executors}:
                self._want_pools(executors)
            case {"verb": "unknown", "tasks": tasks}:
                self._unknown_tasks.add(child, tasks, self._fleet.children.values())
            case {"verb": "refused", "message": reason, "exit_code": exit_code}:
                child.report.refusal = (reason, exit_code)
            case {"verb": "schema_too_new", "message": reason}:
                self._stop_for_schema(reason)

    def _want_pools(self, executors: Sequence[str]) -> None:
        for executor in executors:
            self._fleet.want_pool(WorkerKind(executor))

    def _send_requests(self, requests: Sequence[Request]) -> None:
        for request in requests:
            child = self._fleet.children.get(request.worker_id)
            if child is not None and request.kind == CANCEL:
                child.channel.try_send("cancel", jobs=[[request.job_id, request.attempt]])

    def _stop_for_schema(self, reason: str) -> None:
        # Running jobs started while the schema supported this release, and are settled.
        if not self._shutdown.has_begun:
            emit(SchemaTooNewEvent(reason=reason))
            self._shutdown.exit_code = EXIT_DATABASE
            self._shutdown.begin()

    def _on_child_ended(self, child: Child, cause: ExitReason) -> None:
        if self._shutdown.has_begun:
            return
        if child.report.refusal is not None and not self._was_ready:
            # No worker can start (a broken module, a schema too old). Another one would only
            # repeat the message.
            reason, self._shutdown.exit_code = child.report.refusal
            emit(WorkerRefused(reason=reason))
            self._shutdown.begin(0.0)
        elif cause.reason == "died":
            if self._burst is not None and not self._was_ready:
                self._burst.add_early_death(cause.detail)
            # A job of the worker may end the next worker too. Its third try runs in quarantine,
            # where a worker is ready by then.
            self._fleet.want_pool(WorkerKind(child.kind.executor, quarantine=True))


def _identity(settings: Settings) -> SupervisorIdentity:
    greenlets = pool_for(WorkerKind("greenlet"), settings)
    return SupervisorIdentity(
        host=socket.gethostname(),
        pid=os.getpid(),
        version=__version__,
        queues=settings.queues,
        slots=greenlets.processes * greenlets.slots,
        listed_seconds=listed_seconds(settings.lease_seconds, settings.heartbeat_seconds),
    )


def _register(link: Link, identity: SupervisorIdentity) -> int:
    supervisor_id = None
    while supervisor_id is None:
        supervisor_id = run(link, supervisors.register_supervisor(identity))
    return supervisor_id


def compare_connections(link: Link, settings: Settings) -> None:
    """Report when a supervisor may want more connections than the server has left."""
    if link.is_pooled:
        return  # the pooler limits its connections
    allowed, taken = run(link, server.connections())
    wanted = connections_needed(settings)
    if wanted > allowed - taken:
        emit(ConnectionsShort(wanted=wanted, allowed=allowed, taken=taken))
