"""The ways by which a job is enqueued: by the task, by name, in bulk, and by raw SQL."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from matrix import tasks
from matrix.targets import ARGUMENT, NAME, QUEUE, TARGETS, TASK, UNIQUE_KEY, Target
from matrix.texts import LARGEST_TEXT
from matrix.value import Value
from matrix.values import VALUES
from pgqueue import Client, PgqueueError
from pgqueue.core.options import TaskOptions
from pgqueue.store.connection.link import Link
from pgqueue.tasks.call import Call
from pgqueue.tasks.task import Task

SQL_REFUSALS = (psycopg.Error, UnicodeEncodeError)

NEIGHBOUR = {"value": "a healthy neighbour in the same COPY"}


@dataclass(frozen=True)
class Way:
    """One way of enqueueing.

    Args:
        name: The end of a sentence.
        put: Enqueues a job on a client's database.
        refusals: The errors that it may raise.
    """

    name: str
    put: Callable[[Client, Link, dict[str, Any]], object]
    refusals: tuple[type[Exception], ...]

    @property
    def is_sql(self) -> bool:
        """Whether the value reaches PostgreSQL without any code of ours."""
        return self.refusals is SQL_REFUSALS


def _call(task: str, **options: Any) -> Call[Any]:
    task_ = tasks.keep
    if task is not TASK:
        task_ = Task(tasks.keep.function, TaskOptions(name=task))
    return task_.using(**options)


def _by_task(client: Client, link: Link, request: dict[str, Any]) -> None:
    args = request.pop("args", {"value": None})
    _call(**request).enqueue(**args)


def _by_name(client: Client, link: Link, request: dict[str, Any]) -> None:
    args = request.pop("args", {"value": None})
    client.enqueue(request.pop("task"), args, **request)


def _in_bulk(client: Client, link: Link, request: dict[str, Any]) -> None:
    args = request.pop("args", {"value": None})
    _call(**request).enqueue_many([NEIGHBOUR, args])


def _by_insert(client: Client, link: Link, request: dict[str, Any]) -> None:
    columns = ", ".join(request)
    values = ", ".join(f"%({name})s" for name in request)
    link.fetch(f"insert into pgqueue.jobs ({columns}) values ({values})", request)


def _by_function(client: Client, link: Link, request: dict[str, Any]) -> None:
    named = ", ".join(f"{name} => %({name})s" for name in request)
    link.fetch(f"select pgqueue.enqueue({named})", request)


BY_TASK = Way("by the task", _by_task, (PgqueueError,))
BY_NAME = Way("by its name", _by_name, (PgqueueError,))
IN_BULK = Way("in bulk", _in_bulk, (PgqueueError,))
BY_INSERT = Way("by an insert", _by_insert, SQL_REFUSALS)
BY_FUNCTION = Way("by the SQL function", _by_function, SQL_REFUSALS)

WAYS = [BY_TASK, BY_NAME, IN_BULK, BY_INSERT, BY_FUNCTION]


@dataclass(frozen=True)
class Case:
    """One value, one part of a job, and one way of enqueueing."""

    value: Value
    target: Target
    way: Way

    def __str__(self) -> str:
        return f"{self.value.name} {self.target.name} {self.way.name}"

    @property
    def fits(self) -> bool:
        """Whether the API accepts the value for this part."""
        return self.target.fit in self.value.fits

    def request(self) -> dict[str, Any] | None:
        """The job, in the form of this way."""
        if self.way.is_sql:
            return self.target.as_sql(self.value)
        return self.target.request(self.value.make())

    def value_in_sql(self) -> Any:
        """The value after a round trip through the JSON that SQL received."""
        if self.target is ARGUMENT:
            return json.loads(self.value.as_json())
        return json.loads(json.dumps(self.value.make()))


def _cases() -> list[Case]:
    cases = []
    for target in TARGETS:
        for value in VALUES:
            words = [False] * target.takes(value) + [True] * (target.as_sql(value) is not None)
            cases += [Case(value, target, way) for way in WAYS if way.is_sql in words]
    return [case for case in cases if _is_possible(case)]


def _is_possible(case: Case) -> bool:
    if case.value is LARGEST_TEXT and case.way.is_sql:
        # Each takes seconds, and the function inserts into the same table.
        return case.way is BY_INSERT and case.target in (ARGUMENT, QUEUE)
    if case.target is UNIQUE_KEY:
        return case.way in (BY_TASK, BY_INSERT)  # the other ways do not have it yet
    # None means that an option is not set.
    return case.target is not NAME or case.value.name != "None" or case.way is BY_NAME


CASES = _cases()
