"""What a worker asks: claim attempts, settle them, and write their logs and progress."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.store.statement import Row, Statement, count

# To call an enumeration takes ten times as long, and this is done for every job.
_STATUSES: Final[dict[str | None, JobStatus | None]] = {
    None: None,
    **{s.value: s for s in JobStatus},
}

NOT_STARTED: Final = "NotStarted"
"""The error type of an attempt that was handed back without having been started."""


class Claimed(NamedTuple):
    """One attempt that a worker holds: the fencing token is (id, attempt, worker_id).

    `args` is the stored JSON text, not decoded: what cannot be read spoils this job only. The
    first columns of `claim.sql` and `claimed.sql`; a tuple because one is made for every job.
    """

    id: int
    attempt: int
    worker_id: int
    task: str
    args: str
    queue: str
    timeout_seconds: float | None
    priority: int
    position: int


@dataclass(slots=True)
class Ended:
    """How one attempt ended, as `settle.sql` reads it.

    Args:
        retryable: False when the task's retry policy excludes the exception.
        delay_seconds: Wait until the next attempt; None for the row's backoff.
        waited_seconds: From the claim to the true start; None when it never started, so
            that even an at_most_once job may be handed back.
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
        """Whether it is a success of which nothing more is to be told."""
        return (
            self.outcome is Outcome.SUCCEEDED
            and self.result is None
            and self.error_type is None
            and self.waited_seconds is not None
        )


@dataclass(frozen=True, slots=True)
class LoggedLine:
    """A line that a task logged, `age_seconds` before it is written.

    `number` is its place among the lines of its attempt, from 1.
    """

    id: int
    attempt: int
    worker_id: int
    age_seconds: float
    level: str
    logger: str
    message: str
    number: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an attempt says it is, from 0 to 1."""

    id: int
    attempt: int
    worker_id: int
    fraction: float
    message: str


Token = tuple[int, int]
"""(id, attempt): what tells two attempts held by one worker apart."""


def claimed(worker_id: int) -> Statement[list[Claimed]]:
    """List what a worker runs according to the database, whatever it heard of."""

    def decode(rows: Sequence[Row]) -> list[Claimed]:
        return [Claimed(*row) for row in rows]

    return Statement("claimed", {"worker_id": worker_id}, decode)


def hold(job_id: int, attempt: int, worker_id: int) -> Statement[bool]:
    """Lock an attempt in the caller's transaction; False when its lease was lost."""
    params = {"id": job_id, "attempt": attempt, "worker_id": worker_id}
    return Statement("hold", params, bool)


def settle(ended: Iterable[Ended]) -> Statement[dict[Token, JobStatus | None]]:
    """End attempts; the answer holds each that was still held, with its job's new status.

    The status is None where somebody has the job locked: nothing was written, ask again. An
    attempt that is missing from the answer had been taken away: its lease was lost.
    """
    plain: list[Ended] = []
    others: list[str] = []
    for each in ended:
        if each.is_plain:
            plain.append(each)
        else:
            others.append(_ended_json(each))
    params = {
        "ids": _array(each.id for each in plain),
        "attempts": _array(each.attempt for each in plain),
        "worker_ids": _array(each.worker_id for each in plain),
        "waited_seconds": _array(each.waited_seconds for each in plain),
        "ended": f"[{','.join(others)}]",
    }

    def decode(rows: Sequence[Row]) -> dict[Token, JobStatus | None]:
        return {(job_id, attempt): _STATUSES[status] for job_id, attempt, status in rows}

    return Statement("settle", params, decode)


def _array(numbers: Iterable[float | None]) -> str:
    # By hand: of a list psycopg adapts each number by itself, which takes five times as long.
    return f"{{{','.join(map(str, numbers))}}}"


def _ended_json(ended: Ended) -> str:
    told = {
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
    text = json.dumps(told, allow_nan=False)
    # The result is JSON text already.
    return text if ended.result is None else f'{text[:-1]},"result":{ended.result}}}'


def log(lines: Iterable[LoggedLine]) -> Statement[int]:
    """Add log lines of attempts that are still held, each once however often it is asked."""
    rows = [
        {
            "id": line.id,
            "attempt": line.attempt,
            "worker_id": line.worker_id,
            "age_seconds": line.age_seconds,
            "level": line.level,
            "logger": line.logger,
            "message": line.message,
            "number": line.number,
        }
        for line in lines
    ]
    return Statement("log", {"lines": json.dumps(rows)}, count)


def tell_progress(said: Iterable[Progress]) -> Statement[int]:
    """Write the latest progress of attempts that are still held."""
    rows = [
        {
            "id": each.id,
            "attempt": each.attempt,
            "worker_id": each.worker_id,
            "progress": each.fraction,
            "message": each.message,
        }
        for each in said
    ]
    return Statement("progress", {"progress": json.dumps(rows)}, count)
