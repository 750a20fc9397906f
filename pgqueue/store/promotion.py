"""Queue the scheduled jobs that are due."""

from collections.abc import Sequence

from pgqueue.store.statement import Statement, count, first_value


def promote(jobs_max: int, refused: Sequence[int] = ()) -> Statement[int]:
    """Queue scheduled jobs that are due; returns how many."""
    return Statement("promote", {"jobs_max": jobs_max, "refused": list(refused)}, count)


def first_scheduled(refused: Sequence[int]) -> Statement[int | None]:
    """The job that `promote` would queue first."""
    return Statement("first_scheduled", {"refused": list(refused)}, first_value)
