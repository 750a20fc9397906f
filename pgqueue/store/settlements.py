"""Settle attempts: record how they ended."""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Final

from pgqueue.core.lifecycle import ATTEMPT_SUCCEEDED, JobStatus, Outcome
from pgqueue.core.values.clean_text import clean_text
from pgqueue.store.claims import AttemptKey
from pgqueue.store.statement import Row, Statement


class RowSkipped(Exception):
    """A trigger of the application skipped the row of a job, or kept its status."""

    def __str__(self) -> str:
        return "a trigger skipped the row of the job, or kept its status"


SKIPPED: Final = RowSkipped()
"""The answer for an attempt whose row a trigger skipped."""

Answer = dict[AttemptKey, JobStatus | Exception | None]
"""The new status of the job of each attempt; see `settle`."""

# To call an enumeration takes ten times as long, and this is done for every job.
_STATUSES: Final[dict[str | None, JobStatus | Exception | None]] = {
    None: None,
    "refused": SKIPPED,
    **{s.value: s for s in JobStatus},
}

NOT_STARTED: Final = "NotStarted"
"""The error type of an attempt that was returned to the queue before it started."""

REFUSED_TYPE: Final = "SettlementRefused"
"""The error type of an attempt whose end the database refused to record in full."""

ROLLED_BACK: Final = "CompletionRolledBack"
"""The error type of an attempt whose task completed it in a transaction that did not commit."""

_NOTE_BYTES_MAX: Final = 2000


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
        keeps_job: Whether a success is kept for the pruner that would be deleted.
        omits_attempt: Whether no row of the attempt is written.
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
    keeps_job: bool = False
    omits_attempt: bool = False

    @property
    def key(self) -> AttemptKey:
        """The attempt, as `settle` names it in its answer."""
        return self.id, self.attempt

    @property
    def is_plain(self) -> bool:
        """Whether it is a success with nothing else to record."""
        return (
            self.outcome is ATTEMPT_SUCCEEDED
            and self.result is None
            and self.error_type is None
            and self.waited_seconds is not None
            and not self.keeps_job
            and not self.omits_attempt
        )

    @property
    def size(self) -> int:
        """The characters of its result and its traceback."""
        return len(self.result or "") + len(self.traceback or "")


def settle(
    ended: Iterable[Settlement],
) -> Statement[Answer]:
    """Settle attempts; returns the new status of the job of each active attempt.

    The status is None where another session has the job locked: nothing was written, try again. It
    is `SKIPPED` where a trigger of the application kept the row as it was.
    An attempt that is missing from the answer belongs to another worker: its lease was lost.
    """
    plain: list[Settlement] = []
    others: list[str] = []
    for settlement in ended:
        if settlement.is_plain:
            plain.append(settlement)
        else:
            others.append(_settlement_json(settlement))
    params = {
        "ids": _array(map(attrgetter("id"), plain)),
        "attempts": _array(map(attrgetter("attempt"), plain)),
        "worker_ids": _array(map(attrgetter("worker_id"), plain)),
        "waited_seconds": _array(map(attrgetter("waited_seconds"), plain)),
        "ended": f"[{','.join(others)}]",
    }

    def decode(rows: Sequence[Row]) -> Answer:
        return {(job_id, attempt): _STATUSES[status] for job_id, attempt, status in rows}

    return Statement("settle", params, decode)


def reduced(ended: Settlement, reason: str) -> Iterator[tuple[str, Settlement]]:
    """The settlements that record as much as possible of one that the database refused.

    Each comes with the part that it leaves out. An outcome that is not a success stays as it is; a
    success that cannot be recorded at all ends the job as failed, so that it never runs again.
    """
    for left_out, changes in _reductions(ended):
        note = clean_text(f"Recorded without {left_out}: {reason}", _NOTE_BYTES_MAX)
        yield (
            left_out,
            replace(ended, error_type=REFUSED_TYPE, error_message=note, traceback=None, **changes),
        )


def _reductions(ended: Settlement) -> Iterator[tuple[str, dict[str, Any]]]:
    if ended.outcome is not Outcome.SUCCEEDED:
        yield "its error", {}
        yield "its error and its attempt", {"omits_attempt": True}
        return
    kept: dict[str, Any] = {"keeps_job": True}
    yield "its deletion", kept
    if ended.result is not None:
        yield "its result", {**kept, "result": None}
    yield "its attempt", {**kept, "omits_attempt": True}
    if ended.result is not None:
        yield "its result and its attempt", {**kept, "result": None, "omits_attempt": True}
    failed = {"outcome": Outcome.FAILED, "retryable": False, "result": None}
    yield "its success", failed
    yield "its success and its attempt", {**failed, "omits_attempt": True}


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
        "keeps_job": ended.keeps_job,
        "omits_attempt": ended.omits_attempt,
    }
    text = json.dumps(entry, allow_nan=False)
    # The result is JSON text already.
    return text if ended.result is None else f'{text[:-1]},"result":{ended.result}}}'
