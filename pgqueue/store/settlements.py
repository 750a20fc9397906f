"""Settle attempts: record how they ended."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.store.claims import AttemptKey
from pgqueue.store.statement import Row, Statement

# To call an enumeration takes ten times as long, and this is done for every job.
_STATUSES: Final[dict[str | None, JobStatus | None]] = {
    None: None,
    **{s.value: s for s in JobStatus},
}

NOT_STARTED: Final = "NotStarted"
"""The error type of an attempt that was returned to the queue before it started."""

ROLLED_BACK: Final = "CompletionRolledBack"
"""The error type of an attempt whose task completed it in a transaction that did not commit."""


@dataclass(slots=True)
class Settlement:
    """How one attempt ended, as `settle.sql` reads it.

    Args:
        retryable: False when the task's retry policy excludes the exception.
        delay_seconds: Wait until the next attempt; None for the row's backoff.
        waited_seconds: From the claim to the true start; None when it never started, so
            that even an at_most_once job may be returned to the queue.
        executor: Where the job belongs instead, when it was claimed by the wrong kind of
            worker.
        result: JSON text.
    """

    id: int
    attempt: int
    worker_id: int
    outcome: Outcome
    retryable: bool = True
    delay_seconds: float | None = None
    waited_seconds: float | None = None
    executor: str | None = None
    result: str | None = None
    error_type: str | None = None
    error_message: str | None = None
    traceback: str | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is a success with nothing else to record."""
        return (
            self.outcome is Outcome.SUCCEEDED
            and self.result is None
            and self.error_type is None
            and self.waited_seconds is not None
        )


def settle(ended: Iterable[Settlement]) -> Statement[dict[AttemptKey, JobStatus | None]]:
    """Settle attempts; returns the new status of the job of each active attempt.

    The status is None where another session has the job locked: nothing was written, try again. An
    attempt that is missing from the answer had been taken away: its lease was lost.
    """
    plain: list[Settlement] = []
    others: list[str] = []
    for settlement in ended:
        if settlement.is_plain:
            plain.append(settlement)
        else:
            others.append(_settlement_json(settlement))
    params = {
        "ids": _array(settlement.id for settlement in plain),
        "attempts": _array(settlement.attempt for settlement in plain),
        "worker_ids": _array(settlement.worker_id for settlement in plain),
        "waited_seconds": _array(settlement.waited_seconds for settlement in plain),
        "ended": f"[{','.join(others)}]",
    }

    def decode(rows: Sequence[Row]) -> dict[AttemptKey, JobStatus | None]:
        return {(job_id, attempt): _STATUSES[status] for job_id, attempt, status in rows}

    return Statement("settle", params, decode)


def find_completed(keys: Collection[AttemptKey]) -> Statement[set[AttemptKey]]:
    """Those of the attempts that a task's own transaction has recorded as succeeded."""
    params = {
        "ids": [job_id for job_id, _ in keys],
        "attempts": [attempt for _, attempt in keys],
    }

    def decode(rows: Sequence[Row]) -> set[AttemptKey]:
        return {(job_id, attempt) for job_id, attempt in rows}

    return Statement("find_completed", params, decode)


def keep_late_errors(ended: Iterable[Settlement]) -> Statement[None]:
    """Keep errors that came after a task's own transaction had recorded its attempt."""
    errors = [
        {
            "id": settlement.id,
            "attempt": settlement.attempt,
            "worker_id": settlement.worker_id,
            "error_type": settlement.error_type,
            "error_message": settlement.error_message,
            "traceback": settlement.traceback,
        }
        for settlement in ended
    ]
    return Statement("keep_late_errors", {"errors": json.dumps(errors)}, lambda rows: None)


def _array(numbers: Iterable[float | None]) -> str:
    # By hand: of a list psycopg adapts each number by itself, which takes five times as long.
    return f"{{{','.join(map(str, numbers))}}}"


def _settlement_json(ended: Settlement) -> str:
    entry = {
        "id": ended.id,
        "attempt": ended.attempt,
        "worker_id": ended.worker_id,
        "outcome": ended.outcome.value,
        "waited_seconds": ended.waited_seconds,
        "retryable": ended.retryable,
        "delay_seconds": ended.delay_seconds,
        "executor": ended.executor,
        "error_type": ended.error_type,
        "error_message": ended.error_message,
        "traceback": ended.traceback,
    }
    text = json.dumps(entry, allow_nan=False)
    # The result is JSON text already.
    return text if ended.result is None else f'{text[:-1]},"result":{ended.result}}}'
