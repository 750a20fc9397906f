"""Queue the scheduled jobs that are due."""

from collections.abc import Sequence

from pgqueue.store.statement import Row, Statement, count_changed, first_row


def promote(jobs_max: int, refused: Sequence[int] = (), after: str | None = None) -> Statement[int]:
    """Queue scheduled jobs that are due; returns how many.

    Args:
        after: Leave out the jobs before that priority and due time; from `first_scheduled`.
    """
    return Statement(
        "promote", {"jobs_max": jobs_max, "refused": list(refused), "after": after}, count_changed
    )


def first_scheduled(refused: Sequence[int], after: str | None = None) -> Statement[Row | None]:
    """The job that `promote` would queue first, and the `after` that begins with this job."""
    return Statement("first_scheduled", {"refused": list(refused), "after": after}, first_row)
