"""What a supervisor asks about its workers: start, lease, end; and the tasks they know."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pgqueue.core.job import UnknownTaskRecord
from pgqueue.store.statement import Row, Statement, count, first_column

_TOLD_QUEUES_MAX = 100


@dataclass(frozen=True, slots=True)
class Overdue:
    """A job past the deadline in its row and the grace after it."""

    worker_id: int
    job_id: int
    overdue_seconds: float


@dataclass(frozen=True, slots=True)
class Cancelling:
    """A running job that somebody asked to cancel."""

    worker_id: int
    id: int
    attempt: int


def connections() -> Statement[tuple[int, int]]:
    """How many connections the server takes from all of us, and how many it has taken."""
    return Statement("connections", {}, lambda rows: (rows[0][0], rows[0][1]))


def next_supervisor() -> Statement[int]:
    """An id for a supervisor that starts; never given twice."""
    return Statement("next_supervisor", {}, _only_value)


def watch(
    supervisor_id: int, queues: Sequence[str], *, wants_notify: bool, seconds: float
) -> Statement[int]:
    """Tell what a supervisor watches; the answer is how many of them watch, it among them.

    Args:
        queues: A trailing `/` takes all sub-queues. More than a hundred count as all there are.
        wants_notify: Whether who enqueues there is to notify.
        seconds: How long this counts, should nothing more be told.
    """
    # Every enqueue compares its queue with all of them.
    is_long = len(queues) > _TOLD_QUEUES_MAX
    params = {
        "supervisor_id": supervisor_id,
        "queues": [] if is_long else [queue for queue in queues if not queue.endswith("/")],
        "prefixes": [""] if is_long else [queue for queue in queues if queue.endswith("/")],
        "wants_notify": wants_notify,
        "seconds": seconds,
    }
    return Statement("watch", params, _only_value)


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
    return Statement("register_worker", params, _only_value)


def started_worker(worker_id: int, pid: int) -> Statement[int]:
    """Note a worker's process id."""
    return Statement("started_worker", {"worker_id": worker_id, "pid": pid}, count)


def note_unknown(worker_id: int, tasks: Iterable[str]) -> Statement[int]:
    """Note tasks that a worker met and does not know."""
    return Statement("note_unknown", {"worker_id": worker_id, "tasks": list(tasks)}, count)


def renew(supervisor_id: int, lease_seconds: float) -> Statement[set[int]]:
    """Renew the leases of a supervisor's workers; the answer is those still alive."""
    params = {"supervisor_id": supervisor_id, "lease_seconds": lease_seconds}
    return Statement("renew", params, lambda rows: set(first_column(rows)))


def bury(
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
    return Statement("bury", params, first_column)


def bury_silent() -> Statement[list[int]]:
    """Give up the workers whose lease ended, whoever started them."""
    return Statement("bury_silent", {}, first_column)


def overdue(supervisor_id: int, grace_seconds: float) -> Statement[list[Overdue]]:
    """Jobs of a supervisor's workers that look as if they resisted their timeout.

    The row counts from the claim; whether the job has started yet, only its worker knows.
    """
    params = {"supervisor_id": supervisor_id, "grace_seconds": grace_seconds}
    return Statement("overdue", params, lambda rows: [Overdue(*row) for row in rows])


def cancelling(supervisor_id: int) -> Statement[list[Cancelling]]:
    """Running jobs of a supervisor's workers that somebody asked to cancel."""
    params = {"supervisor_id": supervisor_id}
    return Statement("cancelling", params, lambda rows: [Cancelling(*row) for row in rows])


def record_tasks(tasks: Iterable[dict[str, Any]]) -> Statement[int]:
    """Record tasks: name, signature, docstring, options (JSON object), aliases."""
    return Statement("record_tasks", {"tasks": json.dumps(list(tasks))}, count)


def unknown_tasks() -> Statement[list[UnknownTaskRecord]]:
    """The tasks that have queued jobs and that no live worker of their queue knows."""
    return Statement("unknown_tasks", {}, lambda rows: [UnknownTaskRecord(*row) for row in rows])


def _only_value(rows: Sequence[Row]) -> int:
    value: int = rows[0][0]
    return value
