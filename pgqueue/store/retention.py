"""Expire jobs, and delete rows that are no longer needed."""

from collections.abc import Sequence

from pgqueue.store.statement import Statement, count, first_value


def expire(jobs_max: int, refused: Sequence[int] = ()) -> Statement[int]:
    """Cancel jobs that were not started before they expired; returns how many."""
    return Statement("expire", {"jobs_max": jobs_max, "refused": list(refused)}, count)


def prune(jobs_max: int, refused: Sequence[int] = ()) -> Statement[int]:
    """Delete finished jobs past `kept_until`; returns how many."""
    return Statement("prune", {"jobs_max": jobs_max, "refused": list(refused)}, count)


def prune_workers(keep_seconds: float) -> Statement[int]:
    """Delete workers that ended *keep_seconds* ago; returns how many."""
    return Statement("prune_workers", {"keep_seconds": keep_seconds}, count)


def prune_supervisors(keep_seconds: float) -> Statement[int]:
    """Delete supervisors that stopped or were last seen *keep_seconds* ago; returns how many."""
    return Statement("prune_supervisors", {"keep_seconds": keep_seconds}, count)


def prune_requests(keep_seconds: float) -> Statement[int]:
    """Delete requests made *keep_seconds* ago whose attempt is over; returns how many."""
    return Statement("prune_requests", {"keep_seconds": keep_seconds}, count)


def first_expired(refused: Sequence[int]) -> Statement[int | None]:
    """The job that `expire` would cancel first."""
    return Statement("first_expired", {"refused": list(refused)}, first_value)


def first_prunable(refused: Sequence[int]) -> Statement[int | None]:
    """The job that `prune` would delete first."""
    return Statement("first_prunable", {"refused": list(refused)}, first_value)
