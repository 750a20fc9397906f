"""Writes the rows of a supervisor and its workers: their starts, their leases, their ends.

On a thread of its own, in a process that runs no user code, so that no task can delay a renewal.
The supervisor submits statements here, because its main thread never waits for the database.
"""

from collections.abc import Callable
from math import inf
from queue import SimpleQueue
from typing import Any

from pgqueue.core.clock import MONOTONIC, Clock, Timer
from pgqueue.core.events.event import emit
from pgqueue.core.events.workers import ForeignWorkers
from pgqueue.core.lease_limits import idle_heartbeat_seconds, lease_limits, listed_seconds
from pgqueue.process.counters import Usage
from pgqueue.process.loop import Loop
from pgqueue.process.turns import Turns
from pgqueue.store import supervisors
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import Statement, run

_Submitted = tuple[Statement[Any], Callable[[Any], None]]


class WorkerRegistry(Loop):
    """Renews every *heartbeat_seconds*, and runs submitted statements in between.

    Only its own thread writes its fields; `submit` is safe on any thread.

    Args:
        supervisor_id: The supervisor of the workers.
        lease_seconds: How long a worker may go without a renewal before others take its jobs.
        on_renewed: Gets the ids of workers whose lease has expired, after each renewal, and the
            time at which the renewal was sent.
        turns: Learns from each renewal of the other supervisors.
        is_idle: Whether no worker has a job. Then every other renewal is left out.
        usage: The use of the workers' slots, which each renewal records.

    Attributes:
        worker_ids: The workers that were registered here, until their ends are written. Callbacks
            of submitted statements change it, on the registry's thread.
        sent_at: The monotonic time at which the last statement was sent.
        _foreign_ids: The foreign workers that were reported.
        _pause_seconds: Between the last renewal and the next one.
    """

    needs_schema = False

    def __init__(
        self,
        database: Database,
        *,
        supervisor_id: int,
        lease_seconds: float,
        heartbeat_seconds: float,
        on_renewed: Callable[[set[int], float], None],
        usage: Callable[[], Usage],
        turns: Turns,
        is_idle: Callable[[], bool] = lambda: False,
        clock: Clock = MONOTONIC,
    ) -> None:
        super().__init__("registry", database)
        self._supervisor_id = supervisor_id
        self._lease_seconds = lease_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._pause_seconds = heartbeat_seconds
        self._on_renewed = on_renewed
        self._usage = usage
        self._turns = turns
        self._is_idle = is_idle
        self._submitted = SimpleQueue[_Submitted]()
        self._pending: _Submitted | None = None
        self._clock = clock
        self._renewal = Timer(clock)
        self.sent_at = clock.monotonic()
        self.worker_ids: set[int] = set()
        self._foreign_ids: frozenset[int] = frozenset()

    def submit(self, statement: Statement[Any], then: Callable[[Any], None]) -> None:
        """Run *statement* as soon as the database allows, and call *then* with its answer."""
        self._submitted.put((statement, then))
        self.wake()

    @property
    def has_pending(self) -> bool:
        """Whether a submitted statement has no answer yet."""
        return self._pending is not None or not self._submitted.empty()

    @property
    def pause_seconds_max(self) -> float:
        """Short, as a pause that outlives the lease would interrupt jobs after the outage."""
        return min(1.0, self._lease_seconds / 10)

    @property
    def ping_after_idle_seconds(self) -> float:
        """A renewal needs no ping before it: it has a limit of its own, and can be repeated."""
        return inf if self._renewal.is_due else super().ping_after_idle_seconds

    @property
    def _answer_seconds_max(self) -> float:
        # A renewal on a connection that answers no more must leave the time for another one.
        usable_seconds = lease_limits(self._lease_seconds).interrupt_seconds
        return max(1.0, (usable_seconds - self._pause_seconds) / 2)

    def turn(self, link: Link) -> float:
        """Renew when that is due, and run all submitted statements."""
        # First, so that a statement which fails again and again costs no lease.
        if self._renewal.is_due:
            self._renew(link)
        while self.has_pending:
            # Kept until it is answered: an error must not lose the end of a worker.
            if self._pending is None:
                self._pending = self._submitted.get()
            statement, then = self._pending
            self.sent_at = self._clock.monotonic()
            answer = run(link, statement)
            self._pending = None
            then(answer)
        return self._renewal.seconds_left

    def _renew(self, link: Link) -> None:
        statement = supervisors.renew(
            self._supervisor_id,
            self.worker_ids,
            self._lease_seconds,
            listed_seconds=listed_seconds(self._lease_seconds, self._heartbeat_seconds),
            **self._usage()._asdict(),
        )
        self.sent_at = self._clock.monotonic()
        with link.short_timeout(self._answer_seconds_max):
            renewal = run(link, statement)
        self._turns.update(renewal.live)
        self._on_renewed(self.worker_ids - renewal.renewed_ids, self.sent_at)
        lease, self._pause_seconds = self._lease_seconds, self._heartbeat_seconds
        if self._is_idle():
            self._pause_seconds = idle_heartbeat_seconds(lease, self._heartbeat_seconds)
        self._renewal.start(self._pause_seconds)
        foreign_ids, self._foreign_ids = self._foreign_ids, renewal.foreign_ids
        if new_ids := renewal.foreign_ids - foreign_ids:
            emit(ForeignWorkers(supervisor_id=self._supervisor_id, worker_ids=sorted(new_ids)))
