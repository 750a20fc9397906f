"""Claim the next jobs of the ready order, from a worker's cursors on.

The ready order of a queue is priority, then position. Index entries of claimed jobs stay until they
are vacuumed, and while an old snapshot is open they are not vacuumed at all; claims that start at
the front would read all of them each time. So a claim reads key ranges, each from a cursor on, and
returns how far it read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from pgqueue.store.statement import Row, Statement

PRIORITY_MAX: Final = 100
PRIORITY_MIN: Final = -100


class ClaimedAttempt(NamedTuple):
    """One attempt of a worker: the fencing token is (id, attempt, worker_id).

    `args` is the stored JSON text, not decoded: JSON that cannot be decoded affects this job
    only. The first columns of `claim.sql`, and those of `read_claimed.sql`; a tuple, because one is
    made for every job.
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

    def event_fields(self) -> dict[str, Any]:
        """The fields of `core.events.jobs.JobEvent`, for an event of this attempt."""
        return {
            "job_id": self.id,
            "attempt": self.attempt,
            "worker_id": self.worker_id,
            "task": self.task,
            "queue": self.queue,
        }


class OwnedAttempt(NamedTuple):
    """An attempt of a worker according to the database, without its arguments."""

    id: int
    attempt: int
    worker_id: int
    task: str
    queue: str

    @property
    def key(self) -> "AttemptKey":
        """What tells it apart from other attempts of its worker."""
        return (self.id, self.attempt)


_COLUMNS = len(ClaimedAttempt._fields)

ARGS_BYTES_MAX: Final = 1024 * 1024
"""Bytes of arguments in one answer, but for a single job with more: a second of a slow link."""

POSITION_MIN: Final = -(2**63)
"""Before every position, also a position that a person wrote."""


@dataclass(frozen=True, slots=True)
class KeyRange:
    """A part of a queue's ready order: from behind a cursor down to a priority.

    All of the queue by default.

    Attributes:
        priority: The cursor's priority.
        after: The cursor's position; the range begins behind it.
        until_priority: The last priority of the range.
    """

    queue: str
    priority: int = PRIORITY_MAX
    after: int = POSITION_MIN
    until_priority: int = PRIORITY_MIN


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a claim could see.

    Attributes:
        xmin: Every transaction with a lower id had ended.
        xmax: Every transaction with this id or a higher one had not begun to write.
        position: No higher position had been taken at the claim.
    """

    xmin: int
    xmax: int
    position: int


@dataclass(frozen=True, slots=True)
class ClaimedBatch:
    """The answer to a claim, in the order in which the jobs are to start.

    Attributes:
        is_whole: Whether all key ranges were read to their ends; else to the last job claimed.
        needs_slot: Whether the next job is an at_most_once one, which is not prefetched.
        affordable: How many jobs had space in the answer; None where all of them had.
        seconds: How long the claim took the server.
    """

    claimed: list[ClaimedAttempt]
    is_whole: bool
    needs_slot: bool
    affordable: int | None
    snapshot: Snapshot
    seconds: float


def claim(
    *,
    worker_id: int,
    executor: str,
    key_ranges: Sequence[KeyRange],
    unknown_tasks: Iterable[str],
    jobs_max: int,
    slots_free: int,
    args_bytes_max: int = ARGS_BYTES_MAX,
) -> Statement[ClaimedBatch]:
    """Take the next ready jobs for a worker.

    Args:
        key_ranges: In the order in which they are to be read.
        unknown_tasks: Tasks that this worker cannot run, left for others.
        jobs_max: How many at the most.
        slots_free: How many of them can start at once; the rest is a prefetch.
        args_bytes_max: The bytes of all their arguments, unless the first job alone has more.
    """
    params = {
        "worker_id": worker_id,
        "executor": executor,
        "queues": [key_range.queue for key_range in key_ranges],
        "priorities": [key_range.priority for key_range in key_ranges],
        "afters": [key_range.after for key_range in key_ranges],
        "until_priorities": [key_range.until_priority for key_range in key_ranges],
        "unknown_tasks": list(unknown_tasks),
        "jobs_max": jobs_max,
        "slots_free": slots_free,
        "args_bytes_max": args_bytes_max,
    }

    def decode(rows: Sequence[Row]) -> ClaimedBatch:
        # A claim without a job answers with one row, which has the snapshot.
        claimed = [ClaimedAttempt._make(row[:_COLUMNS]) for row in rows if row[0] is not None]
        order = {key_range.queue: number for number, key_range in enumerate(key_ranges)}
        claimed.sort(key=lambda job: (order.get(job.queue, 0), -job.priority, job.position))
        chosen, affordable, *snapshot, seconds = rows[0][-6:]
        # A trigger may have skipped a job that was chosen.
        needs_slot = slots_free <= len(claimed) < affordable
        return ClaimedBatch(
            claimed=claimed,
            is_whole=chosen < jobs_max and affordable == chosen and not needs_slot,
            needs_slot=needs_slot,
            affordable=None if affordable == chosen else affordable,
            snapshot=Snapshot(*snapshot),
            seconds=seconds,
        )

    return Statement("claim", params, decode)


AttemptKey = tuple[int, int]
"""(id, attempt): identifies an attempt among the attempts of one worker."""


def claims_of(worker_id: int) -> Statement[list[OwnedAttempt]]:
    """The attempts of a worker according to the database, whether it received them or not."""

    def decode(rows: Sequence[Row]) -> list[OwnedAttempt]:
        return [OwnedAttempt._make(row) for row in rows]

    return Statement("claims_of_worker", {"worker_id": worker_id}, decode)


def read_claimed(
    worker_id: int, keys: Sequence[AttemptKey], args_bytes_max: int = ARGS_BYTES_MAX
) -> Statement[list[ClaimedAttempt]]:
    """Attempts of a worker, in the order of their keys, until their arguments are too many bytes.

    At least one is returned, unless the worker owns none of them any more.
    """
    params = {
        "worker_id": worker_id,
        "ids": [job_id for job_id, _ in keys],
        "attempts": [attempt for _, attempt in keys],
        "args_bytes_max": args_bytes_max,
    }

    def decode(rows: Sequence[Row]) -> list[ClaimedAttempt]:
        order = {key: number for number, key in enumerate(keys)}
        claimed = [ClaimedAttempt._make(row) for row in rows]
        return sorted(claimed, key=lambda row: order.get((row.id, row.attempt), 0))

    return Statement("read_claimed", params, decode)


def lock_attempt(job_id: int, attempt: int, worker_id: int) -> Statement[bool]:
    """Lock an attempt in the caller's transaction; False when its lease was lost."""
    params = {"id": job_id, "attempt": attempt, "worker_id": worker_id}
    return Statement("lock_attempt", params, bool)
