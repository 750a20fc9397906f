"""Threads that enqueue as applications do: in transactions that may be slow, and may fail.

Each transaction writes an order beside every job, and records its outcome in the ledger. When the
reply to COMMIT is lost, the outcome is `unknown`, and the orders decide.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

import pgqueue
from chaos.ledger import Ledger
from chaos.tasks import coroutines, heavy, light
from pgqueue.core.errors import PgqueueError
from pgqueue.store.connection.session import OwnConnection
from pgqueue.tasks.task import Task

# Weights by task: quick tasks are frequent, tasks of a second are rare.
MIX: "dict[Task[..., Any], int]" = {
    light.plain: 20,
    light.fleeting: 6,
    light.flaky: 10,
    light.slow: 10,
    light.chatty: 3,
    light.cautious: 6,
    light.paying: 6,
    light.snoozing: 3,
    light.punctual: 5,
    light.quitting: 2,
    light.sleepy: 1,
    light.by_name: 3,
    light.forking: 2,
    light.multiplying: 1,
    light.starting: 2,
    coroutines.quick: 10,
    coroutines.waiting: 10,
    coroutines.wary: 4,
    coroutines.dozing: 1,
    coroutines.apaying: 4,
    coroutines.aforking: 2,
    coroutines.amultiplying: 1,
    coroutines.astarting: 1,
    heavy.counting: 3,
    heavy.forking_alone: 1,
    heavy.multiplying_alone: 1,
    heavy.starting_alone: 1,
}

# Each run ends its worker, so these are very rare.
RARE: "dict[Task[..., Any], int]" = {heavy.stubborn: 1, heavy.deadly: 1}
_RARE_SHARE = 0.004

_BULK: "tuple[Task[..., Any], ...]" = (light.plain, light.fleeting, coroutines.quick)
_BULK_SIZES = (1, 10, 60)
_BULK_SHARE = 0.08
_ROLLED_BACK_SHARE = 0.1

# Most transactions are short, some are as long as in a careless application.
_OPEN_SECONDS = (0.0, 0.0, 0.0, 0.02, 0.1, 0.5, 3.0)
_RUN_AFTER_SECONDS_MAX = 5.0
_PAUSE_SECONDS = 0.06
_AWAY_SECONDS = 0.5
_ANSWER_SECONDS_MAX = 8.0

# A connection whose wait timed out cannot be rolled back, and the pool would log each.
logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)

_FAILURES = (psycopg.Error, DBAPIError, PgqueueError)


@dataclass(frozen=True, slots=True)
class Transaction:
    """An open transaction of an application: the value of `connection=`, and its verbs."""

    connection: Any
    execute: Callable[[str, tuple[object, ...]], object]
    commit: Callable[[], object]
    rollback: Callable[[], object]


class Producer(threading.Thread):
    """Enqueues until it is stopped, while the backlog has capacity.

    Args:
        url: The database, through a proxy.
        has_capacity: Whether the backlog may grow.
    """

    def __init__(
        self, number: int, seed: int, url: str, ledger: Ledger, has_capacity: Callable[[], bool]
    ) -> None:
        super().__init__(name=f"producer {number}", daemon=True)
        self._random = random.Random(f"{seed} producer {number}")
        self._url = url
        self._ledger = ledger
        self._has_capacity = has_capacity
        self._prefix = f"p{number}"
        self._count = 0
        self._stopping = threading.Event()
        self._engine = create_engine("postgresql+psycopg://", creator=self._raw, poolclass=NullPool)

    def stop(self) -> None:
        """Stop after the current transaction."""
        self._stopping.set()

    def run(self) -> None:
        """Make transactions until it is stopped."""
        while not self._stopping.is_set():
            if not self._has_capacity():
                self._stopping.wait(_AWAY_SECONDS)
                continue
            is_answered = self._transact()
            pause = _PAUSE_SECONDS if is_answered else _AWAY_SECONDS
            self._stopping.wait(self._random.uniform(0, 2 * pause))

    def _transact(self) -> bool:
        """Make one transaction; whether the database answered to its end."""
        open_transaction = self._random.choice((self._psycopg, self._core, self._session))
        is_bulk = self._random.random() < _BULK_SHARE
        open_seconds = self._random.choice(_OPEN_SECONDS)
        is_rolled_back = self._random.random() < _ROLLED_BACK_SHARE
        count = self._random.choice(_BULK_SIZES) if is_bulk else self._random.randint(1, 3)
        chosen = self._choose(is_bulk, count)
        due: dict[str, datetime] = {}
        outcome = "rolled_back"
        try:
            with open_transaction() as transaction:
                for key, _ in chosen:
                    transaction.execute("insert into chaos.orders (key) values (%s)", (key,))
                if is_bulk:
                    calls = [{"key": key} for key, _ in chosen]
                    chosen[0][1].using(connection=transaction.connection).enqueue_many(calls)
                else:
                    for key, task in chosen:
                        self._enqueue(transaction, key, task, due)
                time.sleep(open_seconds)  # the transaction stays open on purpose
                if is_rolled_back:
                    transaction.rollback()
                else:
                    outcome = "unknown"
                    transaction.commit()
                    outcome = "committed"
            is_answered = True
        except _FAILURES:
            is_answered = False  # the outcome has the last known phase
        self._ledger.append(
            *(
                {
                    "key": key,
                    "task": task.name,
                    "outcome": outcome,
                    "due_at": due[key].isoformat() if key in due else None,
                }
                for key, task in chosen
            )
        )
        return is_answered

    def _choose(self, is_bulk: bool, count: int) -> "list[tuple[str, Task[..., Any]]]":
        one = self._random.choice(_BULK)
        chosen = []
        for _ in range(count):
            self._count += 1
            mix = RARE if self._random.random() < _RARE_SHARE else MIX
            (task,) = self._random.choices([*mix], [*mix.values()])
            chosen.append((f"{self._prefix}-{self._count}", one if is_bulk else task))
        return chosen

    def _enqueue(
        self, transaction: Transaction, key: str, task: "Task[..., Any]", due: dict[str, datetime]
    ) -> None:
        if task is light.by_name:
            pgqueue.enqueue(task.name, {"key": key}, connection=transaction.connection)
        elif task is light.punctual:
            run_after = self._random.uniform(0.5, _RUN_AFTER_SECONDS_MAX)
            call = task.using(connection=transaction.connection, run_after=run_after)
            due[key] = call.enqueue(key=key).run_at
        else:
            task.using(connection=transaction.connection).enqueue(key=key)

    def _raw(self) -> OwnConnection:
        raw = OwnConnection.connect(self._url, connect_timeout=5, application_name="chaos producer")
        raw.answer_seconds_max = _ANSWER_SECONDS_MAX
        return raw

    @contextmanager
    def _psycopg(self) -> Iterator[Transaction]:
        raw = self._raw()
        try:
            yield Transaction(raw, raw.execute, raw.commit, raw.rollback)
        finally:
            raw.close()

    @contextmanager
    def _core(self) -> Iterator[Transaction]:
        with self._engine.connect() as connection:
            yield Transaction(
                connection, connection.exec_driver_sql, connection.commit, connection.rollback
            )

    @contextmanager
    def _session(self) -> Iterator[Transaction]:
        with Session(self._engine) as session:

            def execute(text: str, params: tuple[object, ...]) -> object:
                return session.connection().exec_driver_sql(text, params)

            yield Transaction(session, execute, session.commit, session.rollback)
