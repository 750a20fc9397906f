"""Expire jobs, and delete rows that are no longer needed."""

from collections.abc import Sequence

from pgqueue.store.statement import Row, Statement, count, count_changed, first_row


def expire(jobs_max: int, refused: Sequence[int] = (), after: str | None = None) -> Statement[int]:
    """Cancel jobs that were not started before they expired; returns how many."""
    return Statement(
        "expire", {"jobs_max": jobs_max, "refused": list(refused), "after": after}, count_changed
    )


def prune(jobs_max: int, refused: Sequence[int] = (), after: str | None = None) -> Statement[int]:
    """Delete finished jobs past `kept_until`; returns how many."""
    return Statement(
        "prune", {"jobs_max": jobs_max, "refused": list(refused), "after": after}, count_changed
    )


def prune_workers(keep_seconds: float) -> Statement[int]:
    """Delete workers that ended *keep_seconds* ago; returns how many."""
    return Statement("prune_workers", {"keep_seconds": keep_seconds}, count)


def prune_supervisors(keep_seconds: float) -> Statement[int]:
    """Delete supervisors that stopped or were last seen *keep_seconds* ago; returns how many."""
    return Statement("prune_supervisors", {"keep_seconds": keep_seconds}, count)


def prune_requests(keep_seconds: float) -> Statement[int]:
    """Delete requests made *keep_seconds* ago whose attempt is over; returns how many."""
    return Statement("prune_requests", {"keep_seconds": keep_seconds}, count)


def first_expired(refused: Sequence[int], after: str | None = None) -> Statement[Row | None]:
    """The job that `expire` would cancel first, and when it expired."""
    return Statement("first_expired", {"refused": list(refused), "after": after}, first_row)


def first_prunable(refused: Sequence[int], after: str | None = None) -> Statement[Row | None]:
    """The job that `prune` would delete first, and when it might be deleted."""
    return Statement("first_prunable", {"refused": list(refused), "after": after}, first_row)


def delete_rows(job_ids: Sequence[int], attempts_max: int) -> Statement[int]:
    """Delete what nobody needs of each job's first *attempts_max* attempts; returns how many rows.

    That is all of a job that is deleted or may be pruned, and of any other what is a thousand
    attempts old.
    """
    params = {"job_ids": list(job_ids), "attempts_max": attempts_max}
    return Statement("delete_rows", params, count)


def find_surplus(after_id: int, jobs_max: int) -> Statement[list[tuple[int, bool]]]:
    """The next jobs that have attempts or lines, and whether `delete_rows` deletes any of them."""
    return Statement(
        "find_surplus",
        {"after_id": after_id, "jobs_max": jobs_max},
        lambda rows: [(job_id, has_surplus) for job_id, has_surplus in rows],
    )
