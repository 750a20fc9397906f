"""What maintenance asks: what is ready, due, stranded, expired or over."""

from collections.abc import Sequence
from dataclasses import dataclass

from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.store.statement import Row, Statement, count


@dataclass(frozen=True, slots=True)
class Stranded:
    """A running job whose worker has ended, and what that end means for it.

    `is_started` is False only when it is certain that the task's code never ran.
    """

    id: int
    attempt: int
    worker_id: int
    outcome: Outcome
    is_started: bool
    detail: str
    timeout_seconds: float | None


@dataclass(frozen=True, slots=True)
class Unfinished:
    """How many jobs of a task are queued or running."""

    status: JobStatus
    task: str
    job_count: int


@dataclass(frozen=True, slots=True)
class Look:
    """What waits for a worker.

    Attributes:
        ready: (queue, executor, quarantined) of every queue with a ready job.
        due_in_seconds: Until the next scheduled job falls due; negative for one that did within
            the last minute, None when there is none.
        seconds: What the server took to look.
    """

    ready: list[tuple[str, str, bool]]
    due_in_seconds: float | None
    seconds: float


def look() -> Statement[Look]:
    """Look what is ready, and what falls due next."""

    def decode(rows: Sequence[Row]) -> Look:
        # There is always one.
        return Look([(row[0], row[1], row[2]) for row in rows if row[0] is not None], *rows[0][3:])

    return Statement("look", {}, decode)


def unfinished(queues: Sequence[str]) -> Statement[list[Unfinished]]:
    """What is queued or running in *queues*; a trailing `/` takes all sub-queues."""
    params = {
        "queues": [queue for queue in queues if not queue.endswith("/")],
        "prefixes": [queue for queue in queues if queue.endswith("/")],
    }
    return Statement(
        "unfinished",
        params,
        lambda rows: [Unfinished(JobStatus(row[0]), row[1], row[2]) for row in rows],
    )


def promote(jobs_max: int, refused: Sequence[int] = ()) -> Statement[int]:
    """Queue scheduled jobs that are due; the answer is how many."""
    return Statement("promote", {"jobs_max": jobs_max, "refused": list(refused)}, count)


def stranded(after_id: int, jobs_max: int) -> Statement[list[Stranded]]:
    """Running jobs whose worker has ended, by their ids, from the first after *after_id*."""
    return Statement(
        "stranded",
        {"after_id": after_id, "jobs_max": jobs_max},
        lambda rows: [
            Stranded(row[0], row[1], row[2], Outcome(row[3]), row[4], row[5], row[6])
            for row in rows
        ],
    )


def expire(jobs_max: int, refused: Sequence[int] = ()) -> Statement[int]:
    """Cancel jobs that were not started in time; the answer is how many."""
    return Statement("expire", {"jobs_max": jobs_max, "refused": list(refused)}, count)


def prune(jobs_max: int, refused: Sequence[int] = ()) -> Statement[int]:
    """Delete finished jobs whose time is over; the answer is how many."""
    return Statement("prune", {"jobs_max": jobs_max, "refused": list(refused)}, count)


def prune_workers(keep_seconds: float) -> Statement[int]:
    """Delete workers that ended that long ago; the answer is how many."""
    return Statement("prune_workers", {"keep_seconds": keep_seconds}, count)


def first_scheduled(refused: Sequence[int]) -> Statement[int | None]:
    """The job that `promote` would take first."""
    return Statement("first_scheduled", {"refused": list(refused)}, _first_id)


def first_expired(refused: Sequence[int]) -> Statement[int | None]:
    """The job that `expire` would take first."""
    return Statement("first_expired", {"refused": list(refused)}, _first_id)


def first_over(refused: Sequence[int]) -> Statement[int | None]:
    """The job that `prune` would take first."""
    return Statement("first_over", {"refused": list(refused)}, _first_id)


def _first_id(rows: Sequence[Row]) -> int | None:
    return rows[0][0] if rows else None
