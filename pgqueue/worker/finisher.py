"""Settles ended attempts in batches, and writes what running ones told in between.

A lone attempt is settled at once; while that statement is under way others end, and they are
the next batch: the busier, the larger, and nobody waits for a clock. Writes only where this
worker still holds the attempt; one that was taken away meanwhile is reported and left alone.
Never decides what an end means: that is `settle.sql`. No note, no job that somebody else has
locked, and no end that the database will not have, holds up the other ends.
"""

import queue
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

from pgqueue.core.events.event import emit, is_observed
from pgqueue.core.events.jobs import (
    SETTLEMENT_EVENTS,
    LeaseLost,
    SettlementRefused,
    settlement_events,
)
from pgqueue.core.lifecycle import JobStatus
from pgqueue.process.loop import Loop
from pgqueue.store.claims import AttemptKey
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.database_errors import DATA_ERRORS
from pgqueue.store.settlement_batches import SETTLEMENTS_MAX, settle_in_batches
from pgqueue.store.settlements import NOT_STARTED, Settlement
from pgqueue.worker.in_flight import ActiveAttempt, InFlight
from pgqueue.worker.output_buffer import OutputBuffer

# How soon an end is settled whose job somebody else had locked: a claim that came too late, for a
# moment, or somebody's transaction.
_LOCKED_SECONDS = 0.01
_LOCKED_SECONDS_MAX = 0.2

# How soon again one that took too long, or that the database would not even have a report of:
# until somebody takes away the trigger or the constraint that refuses it.
_REFUSED_SECONDS = 10.0


@dataclass(slots=True)
class PendingSettlement:
    """An end to settle.

    Attributes:
        at: Monotonic time before which it is not asked for.
        pause: The last wait for somebody who had the job locked, in seconds.
        is_report: Whether it tells in the place of another that that was refused.
    """

    attempt: ActiveAttempt
    ended: Settlement
    at: float = 0.0
    pause: float = 0.0
    is_report: bool = False


class Finisher(Loop):
    """The loop that settles.

    Args:
        on_refused: Makes the end that is stored instead, when the database refused an
            attempt's end.
    """

    needs_schema = False

    def __init__(
        self,
        database: Database,
        in_flight: InFlight,
        *,
        worker_id: int,
        on_refused: Callable[[ActiveAttempt, Exception], Settlement],
    ) -> None:
        super().__init__(f"finisher {worker_id}", database)
        self.output = OutputBuffer(on_first=lambda: self._arrived.put(None))
        self._in_flight = in_flight
        self._on_refused = on_refused
        self._arrived = queue.SimpleQueue[PendingSettlement | None]()
        self._batch: list[PendingSettlement] = []
        self._later: list[PendingSettlement] = []
        self._is_doubtful = False

    def put(self, attempt: ActiveAttempt, ended: Settlement) -> None:
        """Settle this end soon."""
        attempt.has_ended = True
        self._arrived.put(PendingSettlement(attempt, ended))

    def expect(self) -> None:
        """Something is about to be claimed: see that the connection is whole; on any thread.

        Should that of the claims have fallen silent as well, both are found out side by side.
        A pause after a failure is not cut short by it.
        """
        self._arrived.put(None)

    def wake(self) -> None:
        """Take the next turn at once."""
        super().wake()
        self._arrived.put(None)

    @property
    def is_idle(self) -> bool:
        """Whether all that ended is settled and all that was logged is written."""
        is_settled = self._arrived.empty() and not (self._batch or self._later)
        return is_settled and not self.output.has_lines

    def turn(self, link: Link) -> float:
        """Wait for ends or notes, and write what there is."""
        if not self._batch:
            self._batch = self._wait()
            link = self.whole_link()  # it may have waited for long
        due_in = self.output.due_in
        if due_in is not None and (self._batch or not due_in or self.is_stopping):
            self.output.write(link)
        while self._batch:
            for count, answer in settle_in_batches(link, [end.ended for end in self._batch]):
                told, self._batch = self._batch[:count], self._batch[count:]
                if isinstance(answer, Exception):
                    self._refused(told[0], answer)
                else:
                    for end in told:
                        self._settled(end, answer)
        self._is_doubtful = False
        return 0.0

    def _after(self, error: BaseException) -> float:
        # The reply was lost, perhaps after the commit: asked again, what is settled already
        # is missing from the answer, and that says nothing about the lease.
        self._is_doubtful = bool(self._batch)
        return super()._after(error)

    def _wait(self) -> list[PendingSettlement]:
        batch: list[PendingSettlement] = []
        try:
            first = self._arrived.get(timeout=self._pause())
            if first is not None:
                batch.append(first)
            while len(batch) < SETTLEMENTS_MAX:
                arrived = self._arrived.get_nowait()
                if arrived is not None:
                    batch.append(arrived)
        except queue.Empty:
            pass
        now = inf if self.is_stopping else time.monotonic()
        due = [end for end in self._later if end.at <= now]
        self._later = [end for end in self._later if end.at > now]
        return due + batch

    def _pause(self) -> float | None:
        if self.is_stopping:
            return 0.0
        pauses = [end.at - time.monotonic() for end in self._later]
        if (due_in := self.output.due_in) is not None:
            pauses.append(due_in)
        return max(0.0, min(pauses)) if pauses else None

    def _settled(
        self, end: PendingSettlement, answer: Mapping[AttemptKey, JobStatus | None]
    ) -> None:
        attempt, ended = end.attempt, end.ended
        status = answer.get(attempt.token)
        if status is None and attempt.token in answer:
            end.pause = min(_LOCKED_SECONDS_MAX, max(_LOCKED_SECONDS, 2.0 * end.pause))
            self._put_off(end, end.pause)
            return
        self._in_flight.settled(attempt.token)
        if status is not None:
            self._emit_settled(attempt, ended, status)
        elif not (attempt.is_completed or self._is_doubtful):
            emit(
                LeaseLost(
                    job_id=ended.id,
                    attempt=ended.attempt,
                    worker_id=ended.worker_id,
                    outcome=ended.outcome,
                    was_started=ended.error_type != NOT_STARTED,
                )
            )

    def _emit_settled(self, attempt: ActiveAttempt, ended: Settlement, status: JobStatus) -> None:
        if not is_observed(*SETTLEMENT_EVENTS):
            return
        for kind in settlement_events(ended.outcome, status):
            emit(
                kind(
                    job_id=ended.id,
                    attempt=ended.attempt,
                    worker_id=ended.worker_id,
                    task=attempt.claimed.task,
                    queue=attempt.claimed.queue,
                    outcome=ended.outcome,
                    status=status,
                    error_type=ended.error_type,
                    error_message=ended.error_message,
                )
            )

    def _refused(self, end: PendingSettlement, error: Exception) -> None:
        # What only took too long is stored as it is when the server is quicker.
        if isinstance(error, DATA_ERRORS) and not end.is_report:
            report = self._on_refused(end.attempt, error)
            self._batch.append(PendingSettlement(end.attempt, report, is_report=True))
            return
        job_id, number = end.ended.id, end.ended.attempt
        emit(SettlementRefused(job_id=job_id, attempt=number, reason=str(error)))
        self._put_off(end, _REFUSED_SECONDS)

    def _put_off(self, end: PendingSettlement, seconds: float) -> None:
        end.at = time.monotonic() + seconds
        self._later.append(end)
