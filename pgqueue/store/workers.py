"""What a supervisor asks about its workers: start, lease, end; and the tasks they know."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pgqueue.store.statement import Statement, count, first_column, only_value


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
) -> Statement[int]:
    """Add a worker about to be started; the answer is its id, never given twice.

    Args:
        quarantine: Whether it takes only the jobs that cost two workers.
    """
    params = {
        "supervisor_id": supervisor_id,
        "executor": executor,
        "slots": slots,
        "quarantine": quarantine,
        "host": host,
        "queues": list(queues),
        "lease_seconds": lease_seconds,
    }
    return Statement("register_worker", params, only_value)


def set_pid(worker_id: int, pid: int) -> Statement[int]:
    """Note a worker's process id."""
    return Statement("set_worker_pid", {"worker_id": worker_id, "pid": pid}, count)


def add_unknown_tasks(worker_id: int, tasks: Iterable[str]) -> Statement[int]:
    """Note tasks that a worker met and does not know."""
    return Statement("add_unknown_tasks", {"worker_id": worker_id, "tasks": list(tasks)}, count)


def end_workers(
    worker_ids: Iterable[int],
    reason: str,
    detail: str,
    *,
    overdue_job_id: int | None = None,
    started_job_ids: Iterable[int] | None = None,
) -> Statement[list[int]]:
    """Write down that workers ended: `finished`, `stopped`, `died` or `overdue`.

    Args:
        overdue_job_id: The job that a worker was killed for.
        started_job_ids: What it had started and not settled; None when that is not known.
    """
    params = {
        "worker_ids": list(worker_ids),
        "reason": reason,
        "detail": detail,
        "overdue_job_id": overdue_job_id,
        "started_job_ids": None if started_job_ids is None else list(started_job_ids),
    }
    return Statement("end_workers", params, first_column)


def expire_leases() -> Statement[list[int]]:
    """Give up the workers whose lease ended, whoever started them."""
    return Statement("expire_leases", {}, first_column)


def overdue_jobs(supervisor_id: int, grace_seconds: float) -> Statement[list[OverdueJob]]:
    """Jobs of a supervisor's workers that look as if they resisted their timeout.

    The row counts from the claim; whether the job has started yet, only its worker knows.
    """
    params = {"supervisor_id": supervisor_id, "grace_seconds": grace_seconds}
    return Statement("find_overdue", params, lambda rows: [OverdueJob(*row) for row in rows])
