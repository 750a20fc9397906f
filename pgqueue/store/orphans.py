"""Running jobs whose worker has ended."""

from dataclasses import dataclass
from typing import Final

from pgqueue.core.lifecycle import Outcome
from pgqueue.store.columns import field_names
from pgqueue.store.statement import Row, Statement


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


_COLUMNS: Final = field_names(OrphanedJob)


def orphaned(after_id: int, jobs_max: int) -> Statement[list[OrphanedJob]]:
    """Running jobs whose worker has ended, by their ids, from the first after *after_id*."""
    return Statement(
        "find_orphaned",
        {"after_id": after_id, "jobs_max": jobs_max},
        lambda rows: [_orphan_from(row) for row in rows],
    )


def _orphan_from(row: Row) -> OrphanedJob:
    values = dict(zip(_COLUMNS, row, strict=True))
    values["outcome"] = Outcome(values["outcome"])
    return OrphanedJob(**values)
