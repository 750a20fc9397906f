"""Reports of jobs: list, count and select the jobs that fit a person's filters."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Text, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from pgqueue.core.errors import InvalidOption
from pgqueue.core.job import Job
from pgqueue.core.job_filters import JobFilters
from pgqueue.core.job_ids import checked_job_ids
from pgqueue.core.lifecycle import JobStatus
from pgqueue.core.limit import LIMIT_MAX, checked_limit
from pgqueue.core.options import check_moment
from pgqueue.core.queue_pattern import is_prefix
from pgqueue.core.values.storable import check_storable, write_json
from pgqueue.store.jobs import JobSelection, decoded
from pgqueue.store.reports.report import (
    NamedRow,
    Report,
    columns_for,
    decoded_row,
)
from pgqueue.store.tables import jobs as job

_DECODERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "args": decoded,
    "status": JobStatus,
    "result": decoded,
    "tags": tuple,
}


def list_jobs(
    filters: JobFilters, *, ids: Iterable[int] | None = None, limit: int
) -> Report[list[Job]]:
    """The jobs that fit, newest first.

    Raises:
        InvalidOption: A filter or the limit has a bad value.
    """
    query = (
        select(*columns_for(Job, job))
        .where(*_conditions(filters, ids))
        .order_by(job.c.id.desc())
        .limit(checked_limit(limit))
    )
    return Report(query, lambda rows: [Job(**decoded_row(row, _DECODERS)) for row in rows])


def count_jobs(filters: JobFilters, *, ids: Iterable[int] | None = None) -> Report[int]:
    """The number of jobs that fit.

    Raises:
        InvalidOption: A filter has a bad value.
    """
    query = select(func.count().label("job_count")).select_from(job)
    return Report(query.where(*_conditions(filters, ids)), lambda rows: int(rows[0]["job_count"]))


def select_jobs(
    filters: JobFilters,
    *,
    ids: Iterable[int] | None = None,
    delivery: str | None = None,
    is_exact: bool,
    limit: int = LIMIT_MAX,
) -> Report[JobSelection]:
    """The newest jobs that fit, for an action on the ones that still fit when it is done.

    Args:
        delivery: Only jobs of this delivery.
        is_exact: Exclude jobs that are claimed between the selection and the action.

    Raises:
        InvalidOption: A filter or the limit has a bad value.
    """
    status = filters.get("status")
    statuses = None if status is None else _statuses(status)
    # The filter may be an iterator, which can be consumed only once.
    conditions = _conditions({**filters, "status": statuses}, ids)
    query = select(job.c.id, job.c.attempt).where(*conditions)
    if delivery is not None:
        query = query.where(job.c.delivery == delivery)
    query = query.order_by(job.c.id.desc()).limit(checked_limit(limit))

    def decode(rows: Sequence[NamedRow]) -> JobSelection:
        # `rows` come newest first; actions lock jobs in the order of their ids.
        attempts = [row["attempt"] for row in reversed(rows)] if is_exact else None
        return JobSelection([row["id"] for row in reversed(rows)], statuses, attempts)

    return Report(query, decode)


def _conditions(filters: JobFilters, ids: Iterable[int] | None) -> list[ColumnElement[bool]]:
    unknown = sorted(filters.keys() - JobFilters.__annotations__.keys())
    if unknown:
        known = ", ".join(JobFilters.__annotations__)
        raise InvalidOption(unknown[0], "...", f"jobs are filtered by {known}.")
    conditions = [_CONDITIONS[name](value) for name, value in filters.items() if value is not None]
    if ids is not None:
        conditions.append(job.c.id == func.any(cast(checked_job_ids(ids), ARRAY(BigInteger))))
    return conditions


def _has_status(status: str | Iterable[str]) -> ColumnElement[bool]:
    statuses = _statuses(status)
    # A partial index serves a comparison with one status, and not one with an array.
    if len(statuses) == 1:
        return job.c.status == statuses[0]
    return job.c.status == func.any(cast(statuses, ARRAY(Text)))


def _statuses(status: str | Iterable[str]) -> list[str]:
    statuses = [status] if isinstance(status, str) else list(status)
    for name in statuses:
        if name not in list(JobStatus):
            raise InvalidOption("status", name, f"it takes {', '.join(JobStatus)}.")
    return [str(name) for name in statuses]


def _is_of_task(name: str) -> ColumnElement[bool]:
    if "*" not in name:
        return job.c.task == name
    escaped = name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return job.c.task.like(escaped.replace("*", "%"))


def _is_in_queue(queue: str) -> ColumnElement[bool]:
    if is_prefix(queue):
        return func.starts_with(job.c.queue, cast(queue, Text))
    return job.c.queue == queue


def _contains_args(args: Mapping[str, Any]) -> ColumnElement[bool]:
    contained = dict(args)
    check_storable(contained)
    return job.c.args.contains(cast(cast(write_json(contained), Text), JSONB))


def _has_tags(tags: str | Iterable[str]) -> ColumnElement[bool]:
    names = [tags] if isinstance(tags, str) else list(tags)
    return job.c.tags.contains(cast(names, ARRAY(Text)))


_CONDITIONS: Final[Mapping[str, Callable[[Any], ColumnElement[bool]]]] = {
    "status": _has_status,
    "task": _is_of_task,
    "queue": _is_in_queue,
    "worker": lambda worker_id: job.c.worker_id == worker_id,
    "args": _contains_args,
    "tags": _has_tags,
    "created_since": lambda moment: job.c.created_at >= check_moment("created_since", moment),
    "finished_since": lambda moment: job.c.finished_at >= check_moment("finished_since", moment),
}
