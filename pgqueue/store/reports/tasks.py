"""Reports of the tasks that workers recorded."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import Text, bindparam, select

from pgqueue.core.job import TaskRecord
from pgqueue.store.jobs import decoded
from pgqueue.store.reports.report import NamedRow, Report, columns_for, decoded_row
from pgqueue.store.tables import tasks as task

_DECODERS: Final[Mapping[str, Callable[[Any], Any]]] = {"options": decoded, "aliases": tuple}


def list_tasks() -> Report[list[TaskRecord]]:
    """Every recorded task, by name."""
    query = select(*columns_for(TaskRecord, task)).order_by(task.c.name)
    return Report(query, lambda rows: [_task(row) for row in rows])


def task_named(name: str) -> Report[TaskRecord | None]:
    """The recorded task with that name, else with that alias; None when there is none."""
    query = (
        select(*columns_for(TaskRecord, task))
        .where((task.c.name == name) | (bindparam("alias", name, Text) == task.c.aliases.any_()))
        .order_by((task.c.name == name).desc(), task.c.name)
        .limit(1)
    )
    return Report(query, lambda rows: _task(rows[0]) if rows else None)


def _task(row: NamedRow) -> TaskRecord:
    return TaskRecord(**decoded_row(row, _DECODERS))
