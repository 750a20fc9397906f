"""Settles ended attempts in batches, and writes the output of running attempts in between.

A single attempt is settled at once. While that statement runs, further attempts end and become the
next batch: a busier worker has larger batches, and no attempt waits for a timer. The database
records an outcome only where this worker still owns the attempt; else `lease.lost` is emitted.
What an outcome means is decided by `settle.sql`. No output, no locked job and no settlement that
the database refuses delays the other settlements.
"""

import queue
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pgqueue.core.adaptive_batch import AdaptiveBatch
from pgqueue.core.clock import MONOTONIC, Clock, Timer
from pgqueue.core.events.event import emit, is_observed
from pgqueue.core.events.jobs import (
    JobFailedAfterCompletion,
    JobSucceeded,
    LeaseLostEvent,
    SettlementRefused,
    emit_settlement,
)
from pgqueue.core.lifecycle import JOB_SUCCEEDED, JobStatus, Outcome
from pgqueue.process.loop import Loop
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.queues import notify
from pgqueue.store.settlement_batches import BYTES_MAX, SETTLEMENTS_MAX, settle_in_batches
from pgqueue.store.settlements import (
    NOT_STARTED,
    ROLLED_BACK,
    Answer,
    Settlement,
    find_completed,
    keep_late_errors,
)
from pgqueue.store.statement import run
from pgqueue.worker.active_attempt import ActiveAttempt
from pgqueue.worker.counters import Counters
from pgqueue.worker.in_flight import InFlight
from pgqueue.worker.output_buffer import OutputBuffer

# The wait before another try on a job that was locked: by a late claim for a moment, or by
# another transaction for longer.
_LOCKED_SECONDS = 0.01
_LOCKED_SECONDS_MAX = 0.2

# The wait before another try on a settlement that took too long, or that the database refuses in
# every form. A person has to remove the trigger or the constraint that refuses it.
_REFUSED_SECONDS = 10.0
_REFUSED_SECONDS_MAX = 300.0


@dataclass(slots=True)
class PendingSettlement:
    """A settlement that is not recorded yet. The finisher's thread writes it.

    Attributes:
        size: The characters of its result and its traceback.
        wakes_others: Whether other workers are woken for the job, once it is queued again.
        retry: Due when it is tried again; None before its first try.
        locked_seconds: The last wait for a transaction that had the job locked.
        refused_seconds: The last wait after the database had refused it.
    """

    attempt: ActiveAttempt
    settlement: Settlement
    size: int
    wakes_others: bool
    retry: Timer | None = None
    locked_seconds: float = 0.0
    refused_seconds: float = 0.0


class Finisher(Loop):
    """The loop that settles.

    Attributes:
        output: Log lines and progress that it writes.
        _arrived: Settlements from any thread; None wakes the loop.
        _batch, _deferred, _is_doubtful: The finisher's thread.
        _size: Characters of results in one statement: less, after one that was not answered.
    """

    needs_schema = False

    def __init__(
        self,
        database: Database,
        in_flight: InFlight,
        *,
        worker_id: int,
        counters: Counters,
        clock: Clock = MONOTONIC,
    ) -> None:
        super().__init__(f"finisher {worker_id}", database)
        self.output = OutputBuffer(on_first=lambda: self._arrived.put(None), clock=clock)
        self._in_flight = in_flight
        self._counters = counters
        self._clock = clock
        self._arrived = queue.SimpleQueue[PendingSettlement | None]()
        self._batch: list[PendingSettlement] = []
        self._deferred: list[PendingSettlement] = []
        self._is_doubtful = False
        self._size = AdaptiveBatch(BYTES_MAX)

    def put(
        self, attempt: ActiveAttempt, settlement: Settlement, *, wakes_others: bool = False
    ) -> None:
        """Settle an attempt soon; safe on any thread.

        Args:
            wakes_others: Wake other workers for the job, once it is queued again.
        """
        if attempt.ended_at is None:
            attempt.end(self._clock.monotonic())
        # On the main thread alone: an attempt that never started has neither.
        size = 0
        if settlement.result is not None or settlement.traceback is not None:
            size = settlement.size
            self._in_flight.unsettled_bytes.add(size)
        self._arrived.put(PendingSettlement(attempt, settlement, size, wakes_others))

    def check_connection(self) -> None:
        """Check the connection, as a claim is about to be made; safe on any thread.

        If the fetcher's connection is dead as well, both loops find out at once. A pause after a
        failure is not cut short.
        """
        self._arrived.put(None)

    def wake(self) -> None:
        """Take the next turn at once."""
        super().wake()
        self._arrived.put(None)

    @property
    def is_idle(self) -> bool:
        """Whether every ended attempt is settled and every log line is written."""
        is_settled = self._arrived.empty() and not (self._batch or self._deferred)
        return is_settled and not self.output.has_lines

    def turn(self, link: Link) -> float:
        """Wait for settlements or output, and write what there is."""
        if not self._batch or self.output.is_behind:
            self._batch += self._wait()
            link = self.whole_link()  # the wait may have been long
        due_seconds = self.output.seconds_until_due
        if due_seconds is not None and (self._batch or not due_seconds or self.is_stopping):
            self._write_output(link)
        self._settle(link)
        while self.is_stopping and self.output.is_behind:  # no turn comes after this one
            self._write_output(link)
            self._settle(link)
        self._is_doubtful = False
        return 0.0

    def _write_output(self, link: Link) -> None:
        self.output.write(link, [pending.attempt for pending in self._batch])

    def _settle(self, link: Link) -> None:
        """Settle the batch, without the attempts that have lines which are not written yet."""
        held_count = self._move_unwritten_to_end() if self.output.is_behind else 0
        while len(self._batch) > held_count:
            batch = self._batch[: len(self._batch) - held_count]
            settlements = [pending.settlement for pending in batch]
            if self._in_flight.attempts.has_disowned:
                for pending in batch:
                    pending.settlement.worker_id = pending.attempt.claimed.worker_id
            for count, answer in settle_in_batches(link, settlements, self._size):
                answered, self._batch = self._batch[:count], self._batch[count:]
                self._on_answer(link, answered, answer)

    def _move_unwritten_to_end(self) -> int:
        unwritten = self.output.attempts_with_lines()
        held = [pending for pending in self._batch if pending.attempt in unwritten]
        self._batch = [pending for pending in self._batch if pending.attempt not in unwritten]
        self._batch += held
        return len(held)

    def _after(self, error: BaseException) -> float:
        # The answer may have been lost after the commit. Settled again, such an attempt is
        # missing from the next answer, and that says nothing about its lease.
        self._is_doubtful = bool(self._batch)
        if self._batch:
            self._size.halve(self._size.size)
        return super()._after(error)

    def _wait(self) -> list[PendingSettlement]:
        batch: list[PendingSettlement] = []
        try:
            first = self._arrived.get(timeout=self._wait_seconds())
            if first is not None:
                batch.append(first)
            while len(batch) < SETTLEMENTS_MAX:
                pending = self._arrived.get_nowait()
                if pending is not None:
                    batch.append(pending)
        except queue.Empty:
            pass
        if not self._deferred:
            return batch
        deferred, self._deferred = self._deferred, []
        due: list[PendingSettlement] = []
        for pending in deferred:
            is_due = self.is_stopping or pending.retry is None or pending.retry.is_due
            (due if is_due else self._deferred).append(pending)
        return due + batch

    def _wait_seconds(self) -> float | None:
        if self.is_stopping:
            return 0.0
        seconds = [pending.retry.seconds_left for pending in self._deferred if pending.retry]
        if (due_seconds := self.output.seconds_until_due) is not None:
            seconds.append(due_seconds)
        return min(seconds, default=None)

    def _on_answer(self, link: Link, answered: Sequence[PendingSettlement], answer: Answer) -> None:
        # Of thousands of plain successes, none is collected that nobody observes.
        observes_success = is_observed(JobSucceeded)
        settled: list[tuple[PendingSettlement, Outcome, JobStatus]] = []
        completed: list[PendingSettlement] = []
        lost: list[PendingSettlement] = []
        ready = Counter[str]()
        for pending in answered:
            attempt = pending.attempt
            key = attempt.key
            status = answer.get(key)
            if status is None and key in answer:
                self._defer_locked(pending)
                continue
            if isinstance(status, Exception):
                self._defer_refused(pending, status)
                continue
            self._in_flight.remove(attempt, pending.size)
            if pending.wakes_others:
                ready[attempt.claimed.queue] += 1
            if status is not None:
                if observes_success or status is not JOB_SUCCEEDED:
                    settled.append((pending, pending.settlement.outcome, status))
            elif attempt.is_completed:
                completed.append(pending)
            elif not self._is_doubtful:
                lost.append(pending)
        self._counters.add_settled(answer.values())
        # Listeners come last: a slow one delays no removal of the batch.
        for pending, outcome, status in settled:
            _emit_settled(pending, outcome, status)
        for pending in lost:
            _emit_lease_lost(pending)
        if ready:
            run(link, notify(ready))
        has_errors = any(map(_has_late_error, completed))
        if completed and (has_errors or is_observed(JobSucceeded)):
            self._report_completed(link, completed)

    def _report_completed(self, link: Link, completed: Sequence[PendingSettlement]) -> None:
        # The answer leaves out an attempt that the task's own transaction settled. It also leaves
        # out one whose transaction was rolled back after its lease was lost.
        recorded = run(link, find_completed([pending.attempt.key for pending in completed]))
        successes = [pending for pending in completed if pending.attempt.key in recorded]
        self._counters.succeeded += len(successes)
        for pending in successes:
            _emit_settled(pending, Outcome.SUCCEEDED, JOB_SUCCEEDED)
        failures = [pending for pending in successes if _has_late_error(pending)]
        for pending in failures:
            _emit_late_error(pending)
        if failures:
            run(link, keep_late_errors(pending.settlement for pending in failures))

    def _defer_locked(self, pending: PendingSettlement) -> None:
        seconds = min(_LOCKED_SECONDS_MAX, max(_LOCKED_SECONDS, 2.0 * pending.locked_seconds))
        pending.locked_seconds = seconds
        self._defer(pending, seconds)

    def _defer_refused(self, pending: PendingSettlement, error: Exception) -> None:
        seconds = min(_REFUSED_SECONDS_MAX, max(_REFUSED_SECONDS, 2.0 * pending.refused_seconds))
        pending.refused_seconds = seconds
        self._defer(pending, seconds)
        claimed = pending.attempt.claimed
        emit(
            SettlementRefused(
                job_id=claimed.id,
                attempt=claimed.attempt,
                worker_id=claimed.worker_id,
                task=claimed.task,
                reason=str(error),
            )
        )

    def _defer(self, pending: PendingSettlement, seconds: float) -> None:
        pending.retry = Timer(self._clock, seconds=seconds)
        self._deferred.append(pending)


def _emit_settled(pending: PendingSettlement, outcome: Outcome, status: JobStatus) -> None:
    claimed, settlement = pending.attempt.claimed, pending.settlement
    # A completion that committed is a success, whatever the task did afterwards.
    has_error = settlement.outcome is outcome
    emit_settlement(
        outcome=outcome,
        status=status,
        run_seconds=pending.attempt.run_seconds,
        error_type=settlement.error_type if has_error else None,
        error_message=settlement.error_message if has_error else None,
        traceback=settlement.traceback if has_error else None,
        **claimed.event_fields(),
    )


def _has_late_error(pending: PendingSettlement) -> bool:
    return pending.settlement.error_type not in (None, ROLLED_BACK)


def _emit_late_error(pending: PendingSettlement) -> None:
    claimed, settlement = pending.attempt.claimed, pending.settlement
    emit(
        JobFailedAfterCompletion(
            job_id=claimed.id,
            attempt=claimed.attempt,
            worker_id=claimed.worker_id,
            task=claimed.task,
            error_type=str(settlement.error_type),
            error_message=settlement.error_message,
        )
    )


def _emit_lease_lost(pending: PendingSettlement) -> None:
    settlement = pending.settlement
    emit(
        LeaseLostEvent(
            job_id=settlement.id,
            attempt=settlement.attempt,
            worker_id=settlement.worker_id,
            task=pending.attempt.claimed.task,
            outcome=settlement.outcome,
            was_started=settlement.error_type != NOT_STARTED,
        )
    )
