"""Insert one job, with options of its own or with the options recorded for its task."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pgqueue.core.job import Job, lazy_job
from pgqueue.core.lifecycle import JobStatus
from pgqueue.core.new_job import NewJob
from pgqueue.store.jobs import decoded, job_from
from pgqueue.store.statement import Row, Statement

RunAfter = float | datetime | None
"""Seconds from the insert, or an aware moment; None for at once."""


def enqueue(new: NewJob) -> Statement[Job]:
    """Insert one job; it exists if and only if the surrounding transaction commits."""
    params: dict[str, object] = new._asdict()
    params["run_at"] = run_at(new.run_after)
    params["run_after_seconds"] = run_after_seconds(new.run_after)
    # psycopg adapts a list as slowly as all other parameters together, and most jobs have no tags.
    params["tags"] = list(new.tags) or "{}"

    def decode(rows: Sequence[Row]) -> Job:
        [row] = rows
        return lazy_job(lambda: _inserted(new, row))

    return Statement("enqueue", params, decode)


class InsertedRow(NamedTuple):
    """The row of `enqueue.sql`: the columns of a new job that the database decides.

    Attributes:
        notified: Empty, as a notification returns nothing.
    """

    id: int
    status: str
    position: int
    run_at: datetime
    expires_at: datetime | None
    created_at: datetime
    notified: str | None


def _inserted(new: NewJob, row: Row) -> Job:
    inserted = InsertedRow._make(row)
    return Job(
        id=inserted.id,
        queue=new.queue,
        task=new.task,
        args=decoded(new.args),
        status=JobStatus(inserted.status),
        priority=new.priority,
        position=inserted.position,
        run_at=inserted.run_at,
        executor=new.executor,
        delivery=new.delivery,
        attempt=0,
        failure_count=0,
        lost_count=0,
        max_attempts=new.max_attempts,
        timeout_seconds=new.timeout_seconds,
        deadline_at=None,
        expires_at=inserted.expires_at,
        worker_id=None,
        created_at=inserted.created_at,
        started_at=None,
        finished_at=None,
        result=None,
        error=None,
        progress=None,
        progress_message=None,
        unique_key=None,
        concurrency_key=None,
        ordering_key=None,
        tags=new.tags,
    )


def enqueue_by_name(
    task: str, args: str, *, run_after: RunAfter, options: Mapping[str, object]
) -> Statement[Job]:
    """Insert one job with the options recorded for its task, and answer with it.

    Args:
        args: JSON text of one object.
        options: Columns of the row that replace what was recorded.
    """
    params = {
        "task": task,
        "args": args,
        "run_at": run_at(run_after),
        "run_after_seconds": run_after_seconds(run_after),
        "options": json.dumps(options),
    }
    return Statement("enqueue_by_name", params, lambda rows: job_from(rows[0]))


def run_at(run_after: RunAfter) -> datetime | None:
    """The moment that *run_after* names, if it names one."""
    return run_after if isinstance(run_after, datetime) else None


def run_after_seconds(run_after: RunAfter) -> float | None:
    """The wait that *run_after* names, if it names one."""
    if run_after is None or isinstance(run_after, datetime):
        return None
    return float(run_after)
