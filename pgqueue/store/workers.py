"""The rows of workers: their start, their tasks, their end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pgqueue.core.identity import random_id
from pgqueue.store.statement import Statement, count, first_column, first_value


@dataclass(frozen=True, slots=True)
class OverdueJob:
    """A job past the deadline in its row and the grace after it."""

    worker_id: int
    job_id: int
    overdue_seconds: float


def register_worker(
    *,
    supervisor_id: int,
    executor: str,
    slots: int,
    host: str,
    queues: Sequence[str],
    lease_seconds: float,
    quarantine: bool = False,
) -> Statement[int | None]:
    """Add a worker that is about to start, under a random id; returns the id.

    Run again, the statement finds the row that it added. None: the id is in use, so make another
    statement.

    Args:
        quarantine: Whether it takes only jobs whose last two workers died.
    """
    params = {
        "worker_id": random_id(),
        "supervisor_id": supervisor_id,
        "executor": executor,
        "slots": slots,
        "quarantine": quarantine,
        "host": host,
        "queues": list(queues),
        "lease_seconds": lease_seconds,
    }
    return Statement("register_worker", params, first_value)


def set_pid(worker_id: int, pid: int) -> Statement[int]:
    """Record a worker's process id."""
    return Statement("set_worker_pid", {"worker_id": worker_id, "pid": pid}, count)


def add_unknown_tasks(worker_id: int, tasks: Iterable[str]) -> Statement[int]:
    """Record tasks whose jobs a worker claimed and that it does not know."""
    return Statement("add_unknown_tasks", {"worker_id": worker_id, "tasks": list(tasks)}, count)


def end_workers(
    worker_ids: Iterable[int],
    reason: str,
    detail: str,
    *,
    overdue_job_id: int | None = None,
    started_job_ids: Iterable[int] | None = None,
) -> Statement[list[int]]:
    """Record that workers ended: `finished`, `stopped`, `died`, `overdue` or `lease_expired`.

    Args:
        overdue_job_id: The job that a worker was killed for.
        started_job_ids: Jobs that it had started and not settled; None when that is not known.
    """
    params = {
        "worker_ids": list(worker_ids),
        "reason": reason,
        "detail": detail,
        "overdue_job_id": overdue_job_id,
        "started_job_ids": None if started_job_ids is None else list(started_job_ids),
    }
    return Statement("end_workers", params, first_column)


def expire_leases(lease_seconds: float) -> Statement[list[int]]:
    """End the workers whose lease has expired, of any supervisor; returns their ids.

    After an outage no worker is ended, and all leases are extended.

    Args:
        lease_seconds: The lease of all workers; one setting for all supervisors of a database.
    """
    return Statement("expire_leases", {"lease_seconds": lease_seconds}, first_column)


def overdue_jobs(supervisor_id: int, grace_seconds: float) -> Statement[list[OverdueJob]]:
    """Jobs of a supervisor's workers past their deadline and the grace after it.

    The deadline counts from the claim; only the worker knows whether the job has started yet.
    """
    params = {"supervisor_id": supervisor_id, "grace_seconds": grace_seconds}
    return Statement("find_overdue", params, lambda rows: [OverdueJob(*row) for row in rows])
