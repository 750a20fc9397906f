"""Reports of workers, live and stopped."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import select

from pgqueue.core.job import WorkerRecord
from pgqueue.core.limit import checked_limit
from pgqueue.store.reports.report import NamedRow, Report, columns_for, decoded_row
from pgqueue.store.tables import workers as worker

_DECODERS: Final[Mapping[str, Callable[[Any], Any]]] = {"queues": tuple, "unknown_tasks": tuple}


def list_workers(*, with_stopped: bool, limit: int) -> Report[list[WorkerRecord]]:
    """The live workers, newest first; with the stopped ones that were not pruned.

    Raises:
        InvalidOption: The limit has a bad value.
    """
    query = select(*columns_for(WorkerRecord, worker))
    if not with_stopped:
        query = query.where(worker.c.stopped_at.is_(None))
    query = query.order_by(worker.c.started_at.desc(), worker.c.id).limit(checked_limit(limit))
    return Report(query, lambda rows: [_worker(row) for row in rows])


def worker_by_id(worker_id: int) -> Report[WorkerRecord | None]:
    """The worker with that id; None when there is none."""
    query = select(*columns_for(WorkerRecord, worker)).where(worker.c.id == worker_id)
    return Report(query, lambda rows: _worker(rows[0]) if rows else None)


def _worker(row: NamedRow) -> WorkerRecord:
    return WorkerRecord(**decoded_row(row, _DECODERS))
