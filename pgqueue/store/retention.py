"""What maintenance asks: what is ready, due, stranded, expired or over."""

from collections.abc import Sequence

from pgqueue.store.statement import Statement, count, first_value


def expire(jobs_max: int, refused: Sequence[int] = ()) -> Statement[int]:
    """Cancel jobs that were not started in time; the answer is how many."""
    return Statement("expire", {"jobs_max": jobs_max, "refused": list(refused)}, count)


def prune(jobs_max: int, refused: Sequence[int] = ()) -> Statement[int]:
    """Delete finished jobs whose time is over; the answer is how many."""
    return Statement("prune", {"jobs_max": jobs_max, "refused": list(refused)}, count)


def prune_workers(keep_seconds: float) -> Statement[int]:
    """Delete workers that ended that long ago; the answer is how many."""
    return Statement("prune_workers", {"keep_seconds": keep_seconds}, count)


def first_expired(refused: Sequence[int]) -> Statement[int | None]:
    """The job that `expire` would take first."""
    return Statement("first_expired", {"refused": list(refused)}, first_value)


def first_prunable(refused: Sequence[int]) -> Statement[int | None]:
    """The job that `prune` would take first."""
    return Statement("first_prunable", {"refused": list(refused)}, first_value)
