"""What maintenance asks: what is ready, due, stranded, expired or over."""

from dataclasses import dataclass

from pgqueue.core.lifecycle import Outcome
from pgqueue.store.statement import Statement


@dataclass(frozen=True, slots=True)
class OrphanedJob:
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
    task: str
    queue: str


def orphaned(after_id: int, jobs_max: int) -> Statement[list[OrphanedJob]]:
    """Running jobs whose worker has ended, by their ids, from the first after *after_id*."""
    return Statement(
        "find_orphaned",
        {"after_id": after_id, "jobs_max": jobs_max},
        lambda rows: [
            OrphanedJob(
                row[0], row[1], row[2], Outcome(row[3]), row[4], row[5], row[6], row[7], row[8]
            )
            for row in rows
        ],
    )
