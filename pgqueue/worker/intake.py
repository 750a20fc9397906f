"""From a claimed batch to active attempts, and back to the queue for attempts that do not start."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pgqueue.core.clock import MONOTONIC, Clock
from pgqueue.core.decisions import JobInterrupted
from pgqueue.core.events.event import emit, is_observed
from pgqueue.core.events.jobs import AttemptRevoked, JobClaimed
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.tasks.task import Task
from pgqueue.worker.active_attempt import ActiveAttempt, Receipt
from pgqueue.worker.counters import Counters
from pgqueue.worker.finisher import Finisher
from pgqueue.worker.in_flight import InFlight
from pgqueue.worker.interrupts import Interrupts
from pgqueue.worker.outcomes import Limits, NotStarted, failed, never_started
from pgqueue.worker.task_lookup import TaskLookup


class Intake:
    """Adds claimed attempts to what is in flight. All but `close` run on the fetcher's thread.

    Args:
        on_added: Called when attempts wait for a slot.

    Attributes:
        is_closed: Whether claimed attempts return to the queue at once. Any thread, and only
            from False to True.
    """

    def __init__(
        self,
        in_flight: InFlight,
        finisher: Finisher,
        tasks: TaskLookup,
        interrupts: Interrupts,
        counters: Counters,
        *,
        limits: Limits,
        on_added: Callable[[], None],
        clock: Clock = MONOTONIC,
    ) -> None:
        self.is_closed = False
        self._in_flight = in_flight
        self._finisher = finisher
        self._tasks = tasks
        self._interrupts = interrupts
        self._counters = counters
        self._limits = limits
        self._on_added = on_added
        self._clock = clock

    def close(self) -> None:
        """Let claimed attempts return to the queue from now on; safe on any thread."""
        self.is_closed = True

    def add(self, claimed: Sequence[ClaimedAttempt], reclaim_count: int) -> int:
        """Add claimed attempts; returns how many of them this worker can start.

        Args:
            reclaim_count: The count of reclaims before the claim was sent.
        """
        receipt = Receipt(self._clock.monotonic(), reclaim_count)
        self._counters.claimed += len(claimed)
        disowned = self._in_flight.attempts.disown(claimed)
        self.revoke(attempt for attempt in disowned if not attempt.is_over)
        attempts = self._startable(claimed, receipt)
        self._in_flight.add(attempts)
        if self.is_closed:
            self.release_waiting()
        else:
            self._on_added()
        if claimed and is_observed(JobClaimed):
            _emit_claimed(claimed)
        return len(attempts)

    def release_waiting(self) -> set[str]:
        """Return all attempts that wait for a slot to their queues; returns these queues.

        Other workers are woken, which would find the jobs by their next poll only.
        """
        reason = "The job waited for a slot, and was returned to the queue."
        waiting = self._in_flight.remove_waiting()
        for attempt in waiting:
            settlement = never_started(attempt, reason=reason)
            self._finisher.put(attempt, settlement, wakes_others=True)
        return {attempt.claimed.queue for attempt in waiting}

    def revoke(self, attempts: Iterable[ActiveAttempt]) -> None:
        """Stop attempts that this worker no longer owns."""
        for attempt in attempts:
            job_id, number = attempt.claimed.id, attempt.claimed.attempt
            was_started = attempt.started_at is not None
            attempt.revoke()
            self._interrupts.request(attempt, _lease_lost)
            task = attempt.claimed.task
            emit(AttemptRevoked(job_id=job_id, attempt=number, task=task, was_started=was_started))

    def _startable(
        self, claimed: Iterable[ClaimedAttempt], receipt: Receipt
    ) -> list[ActiveAttempt]:
        startable = []
        known: dict[str, Task[..., Any]] = {}
        for row in claimed:
            attempt = ActiveAttempt(row, known.get(row.task), receipt)
            if attempt.task is None:
                try:
                    attempt.task = self._tasks.imported_task_of(attempt)
                except NotStarted as error:
                    self._in_flight.add_unstartable(attempt)
                    self._finisher.put(attempt, failed(attempt, error, self._limits))
                    continue
                if attempt.task is not None:
                    known[row.task] = attempt.task
            startable.append(attempt)
        return startable


def _lease_lost() -> BaseException:
    return JobInterrupted("The job's lease was lost.")


def _emit_claimed(claimed: Iterable[ClaimedAttempt]) -> None:
    for row in claimed:
        emit(JobClaimed(**row.event_fields()))
