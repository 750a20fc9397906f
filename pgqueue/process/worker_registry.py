"""Keeps the rows of a supervisor's workers: adds them, renews their leases, writes their end.

On a thread of its own, in a process that runs no user code, so that no task can hold a lease
back. The supervisor asks here because nothing it does itself may wait for the database.
"""

import queue
import time
from collections.abc import Callable
from typing import Any

from pgqueue.process.counters import Usage
from pgqueue.process.loop import Loop
from pgqueue.store import workers
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import Statement, run


class WorkerRegistry(Loop):
    """Renews every *heartbeat_seconds*, and answers what the supervisor asks in between.

    Args:
        supervisor_id: Whose workers.
        lease_seconds: How long a worker may go unrenewed before others take its jobs.
        on_renewed: Told the ids that the last renewal found alive; a worker that is missing
            was given up by another supervisor.
    """

    needs_schema = False

    def __init__(
        self,
        database: Database,
        *,
        supervisor_id: int,
        lease_seconds: float,
        heartbeat_seconds: float,
        on_renewed: Callable[[set[int]], None],
        usage: Callable[[], Usage],
    ) -> None:
        super().__init__("leases", database)
        self._supervisor_id = supervisor_id
        self._lease_seconds = lease_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._on_renewed = on_renewed
        self._usage = usage
        self._asked: queue.SimpleQueue[tuple[Statement[Any], Callable[[Any], None]]]
        self._asked = queue.SimpleQueue()
        self._pending: tuple[Statement[Any], Callable[[Any], None]] | None = None
        self._renew_at = 0.0

    def submit(self, statement: Statement[Any], then: Callable[[Any], None]) -> None:
        """Run *statement* as soon as the database allows, and call *then* with its answer."""
        self._asked.put((statement, then))
        self.wake()

    @property
    def has_pending(self) -> bool:
        """Whether something that was asked has not been answered yet."""
        return self._pending is not None or not self._asked.empty()

    def turn(self, link: Link) -> float:
        """Renew when it is time, and answer all that was asked."""
        # First, so that nothing which fails again and again costs the leases of all.
        if time.monotonic() >= self._renew_at:
            self._renew(link)
        while self._pending is not None or not self._asked.empty():
            # Kept until it is answered: an error on the way must not lose a worker's end.
            if self._pending is None:
                self._pending = self._asked.get()
            statement, then = self._pending
            answer = run(link, statement)
            self._pending = None
            then(answer)
        return max(0.0, self._renew_at - time.monotonic())

    def _renew(self, link: Link) -> None:
        self._on_renewed(run(link, workers.renew_leases(self._supervisor_id, self._lease_seconds)))
        self._renew_at = time.monotonic() + self._heartbeat_seconds
