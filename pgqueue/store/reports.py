"""Lists by the filters that a person picked: jobs, tasks, workers.

SQLAlchemy composes the text and never executes it: a report is asked on a link like any
statement. Called by `client` on behalf of people; no worker imports this.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import BigInteger, ColumnElement, Select, Text, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from pgqueue.core.errors import InvalidOption
from pgqueue.core.job import Job, TaskRecord, WorkerRecord
from pgqueue.core.job_filters import JobFilters
from pgqueue.core.lifecycle import JobStatus
from pgqueue.core.values.storable import check_storable, write_json
from pgqueue.store.connection.link import Link
from pgqueue.store.jobs import JobSelection, decoded, job_from
from pgqueue.store.statement import Row
from pgqueue.store.tables import jobs as job
from pgqueue.store.tables import tasks as task
from pgqueue.store.tables import workers as worker

T = TypeVar("T")

LIMIT_MAX = 100_000

_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]

_JOB_COLUMNS = (
    job.c.id,
    job.c.queue,
    job.c.task,
    cast(job.c.args, Text),
    job.c.status,
    job.c.priority,
    job.c.position,
    job.c.run_at,
    job.c.executor,
    job.c.delivery,
    job.c.attempt,
    job.c.failure_count,
    job.c.lost_count,
    job.c.max_attempts,
    job.c.timeout_seconds,
    job.c.deadline_at,
    job.c.expires_at,
    job.c.worker_id,
    job.c.created_at,
    job.c.started_at,
    job.c.finished_at,
    cast(job.c.result, Text),
    job.c.error,
    job.c.progress,
    job.c.progress_message,
    job.c.unique_key,
    job.c.concurrency_key,
    job.c.ordering_key,
    job.c.tags,
)
"""As in `read_job.sql`."""

_TASK_COLUMNS = (
    task.c.name,
    task.c.signature,
    task.c.docstring,
    cast(task.c.options, Text),
    task.c.aliases,
    task.c.recorded_at,
)


@dataclass(frozen=True, slots=True)
class Report(Generic[T]):
    """One composed question to the database."""

    question: Select[Any]
    decode: Callable[[Sequence[Row]], T]


def read(link: Link, report: Report[T]) -> T:
    """What *link*'s database answers to *report*."""
    compiled = report.question.compile(dialect=_DIALECT)
    # Every value is a parameter, so the text holds our schema's name and nobody's data.
    text = link.schema.qualify(str(compiled))
    return report.decode(link.fetch(text, compiled.params))


def jobs(filters: JobFilters, *, ids: Iterable[int] | None = None, limit: int) -> Report[list[Job]]:
    """The jobs that fit, newest first.

    Raises:
        InvalidOption: A filter or the limit has a bad value.
    """
    question = (
        select(*_JOB_COLUMNS)
        .where(*_conditions(filters, ids))
        .order_by(job.c.id.desc())
        .limit(_checked_limit(limit))
    )
    return Report(question, lambda rows: [job_from(row) for row in rows])


def select_jobs(
    filters: JobFilters,
    *,
    ids: Iterable[int] | None = None,
    delivery: str | None = None,
    is_exact: bool,
    limit: int,
) -> Report[JobSelection]:
    """The newest jobs that fit, to be steered as far as they still fit then.

    Args:
        delivery: Only jobs of this delivery.
        is_exact: Leave alone what has been claimed since it was found.

    Raises:
        InvalidOption: A filter or the limit has a bad value.
    """
    question = (
        select(job.c.id, job.c.attempt)
        .where(*_conditions(filters, ids))
        .order_by(job.c.id.desc())
        .limit(_checked_limit(limit))
    )
    if delivery is not None:
        question = question.where(job.c.delivery == delivery)
    status = filters.get("status")
    statuses = None if status is None else _statuses(status)

    def decode(rows: Sequence[Row]) -> JobSelection:
        found = sorted(rows)
        attempts = [row[1] for row in found] if is_exact else None
        return JobSelection([row[0] for row in found], statuses, attempts)

    return Report(question, decode)


def count(filters: JobFilters, *, ids: Iterable[int] | None = None) -> Report[int]:
    """How many jobs fit.

    Raises:
        InvalidOption: A filter has a bad value.
    """
    question = select(func.count()).select_from(job).where(*_conditions(filters, ids))
    return Report(question, lambda rows: int(rows[0][0]))


def tasks() -> Report[list[TaskRecord]]:
    """Every recorded task, by name."""
    question = select(*_TASK_COLUMNS).order_by(task.c.name)
    return Report(question, lambda rows: [_task_from(row) for row in rows])


def task_named(name: str) -> Report[TaskRecord | None]:
    """The recorded task with that name, else with that alias; None when there is none."""
    question = (
        select(*_TASK_COLUMNS)
        .where((task.c.name == name) | (bindparam("alias", name, Text) == task.c.aliases.any_()))
        .order_by((task.c.name == name).desc(), task.c.name)
        .limit(1)
    )
    return Report(question, lambda rows: _task_from(rows[0]) if rows else None)


def workers(*, with_stopped: bool, limit: int) -> Report[list[WorkerRecord]]:
    """The workers that live, or all that are remembered, newest first.

    Raises:
        InvalidOption: The limit has a bad value.
    """
    question = select(
        worker.c.id,
        worker.c.supervisor_id,
        worker.c.executor,
        worker.c.slots,
        worker.c.host,
        worker.c.pid,
        worker.c.queues,
        worker.c.started_at,
        worker.c.last_seen_at,
        worker.c.lease_until,
        worker.c.stopped_at,
        worker.c.stop_reason,
        worker.c.stop_detail,
        worker.c.unknown_tasks,
    )
    if not with_stopped:
        question = question.where(worker.c.stopped_at.is_(None))
    question = question.order_by(worker.c.id.desc()).limit(_checked_limit(limit))
    return Report(question, lambda rows: [_worker_from(row) for row in rows])


def _conditions(filters: JobFilters, ids: Iterable[int] | None) -> list[ColumnElement[bool]]:
    unknown = sorted(filters.keys() - JobFilters.__annotations__.keys())
    if unknown:
        known = ", ".join(JobFilters.__annotations__)
        raise InvalidOption(unknown[0], "...", f"jobs are filtered by {known}.")
    conditions = [_CONDITIONS[name](value) for name, value in filters.items() if value is not None]
    if ids is not None:
        conditions.append(job.c.id == func.any(cast(list(ids), ARRAY(BigInteger))))
    return conditions


def _of_status(status: str | Iterable[str]) -> ColumnElement[bool]:
    wanted = _statuses(status)
    # One status is compared as such: the partial indexes are for it.
    if len(wanted) == 1:
        return job.c.status == wanted[0]
    return job.c.status == func.any(cast(wanted, ARRAY(Text)))


def _statuses(status: str | Iterable[str]) -> list[str]:
    wanted = [status] if isinstance(status, str) else list(status)
    for each in wanted:
        if each not in list(JobStatus):
            raise InvalidOption("status", each, f"it takes {', '.join(JobStatus)}.")
    return [str(each) for each in wanted]


def _of_task(name: str) -> ColumnElement[bool]:
    if "*" not in name:
        return job.c.task == name
    escaped = name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return job.c.task.like(escaped.replace("*", "%"))


def _of_queue(queue: str) -> ColumnElement[bool]:
    if queue.endswith("/"):
        return func.starts_with(job.c.queue, cast(queue, Text))
    return job.c.queue == queue


def _of_args(args: Mapping[str, Any]) -> ColumnElement[bool]:
    wanted = dict(args)
    check_storable(wanted)
    return job.c.args.contains(cast(cast(write_json(wanted), Text), JSONB))


def _of_tags(tags: str | Iterable[str]) -> ColumnElement[bool]:
    wanted = [tags] if isinstance(tags, str) else list(tags)
    return job.c.tags.contains(cast(wanted, ARRAY(Text)))


_CONDITIONS: Mapping[str, Callable[[Any], ColumnElement[bool]]] = {
    "status": _of_status,
    "task": _of_task,
    "queue": _of_queue,
    "worker": lambda worker_id: job.c.worker_id == worker_id,
    "args": _of_args,
    "tags": _of_tags,
    "created_since": lambda moment: job.c.created_at >= moment,
    "finished_since": lambda moment: job.c.finished_at >= moment,
}


def _checked_limit(limit: int) -> int:
    if not 1 <= limit <= LIMIT_MAX:
        raise InvalidOption("limit", limit, f"it takes 1 to {LIMIT_MAX:,}.")
    return limit


def _task_from(row: Row) -> TaskRecord:
    values = list(row)
    values[3] = decoded(row[3])
    values[4] = tuple(row[4])
    return TaskRecord(*values)


def _worker_from(row: Row) -> WorkerRecord:
    values = list(row)
    values[6], values[13] = tuple(row[6]), tuple(row[13])
    return WorkerRecord(*values)
