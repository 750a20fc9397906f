"""Applications with a connection of each kind that `connection=` takes."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

import psycopg
from django_connection import django_connection
from psycopg.rows import dict_row, tuple_row
from queue_database import QueueDatabase
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import (
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from pgqueue.core.job import Job
from pgqueue.core.new_job import NewJob
from pgqueue.store import bulk_insert, enqueueing
from pgqueue.store.connection.adopt import aadopt, adopt
from pgqueue.store.connection.database import libpq_url
from pgqueue.store.schema_name import Schema
from pgqueue.store.statement import arun, run

T = TypeVar("T")

SCHEMA = Schema()

NEW = NewJob(
    "shop.mail",
    '{"to": ["ü", 1, 2.5, null]}',
    run_after=datetime(2100, 1, 2, 3, 4, 5, tzinfo=UTC),
    expires_after_seconds=60.0,
    tags=("a", "b c"),
)


# Behind a pooler sessions change, and a statement prepared in one is missing in the next.
PREPARE_AFTER = None if os.environ.get("PGQUEUE_TEST_POOLED") else 2

OWN_WRITE = "insert into public.orders default values"


class ApplicationCursor(psycopg.Cursor[Any]):
    """A cursor class of the application."""


class ApplicationAsyncCursor(psycopg.AsyncCursor[Any]):
    """An asyncio cursor class of the application."""


class Application:
    """An application with a connection of some kind, in a transaction.

    Its methods are coroutines for every kind, so that a test is written once; those of the
    synchronous kinds never wait, and run without an event loop, which Django would refuse.
    """

    is_async = False
    connection: Any

    async def open(self, url: str) -> None:
        """Connect."""

    async def write(self) -> None:
        """Write a row of the application."""

    async def commit(self) -> None:
        """Commit."""
        self.connection.commit()

    async def rollback(self) -> None:
        """Roll back."""
        self.connection.rollback()

    async def within_savepoint(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run *work* in a savepoint and roll back to the savepoint."""

    async def close(self) -> None:
        """Disconnect."""
        self.connection.close()

    async def enqueue(self, new: NewJob) -> Job:
        """Insert one job on the connection."""
        return run(adopt(self.connection, SCHEMA), enqueueing.enqueue(new))

    async def enqueue_many(self, new: Iterable[NewJob]) -> int:
        """Insert many jobs on the connection."""
        return bulk_insert.insert(adopt(self.connection, SCHEMA), new, 1_000)

    def raw(self) -> Any:
        """The psycopg connection underneath."""
        return self.connection

    async def query(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query on the psycopg connection underneath."""
        cursor: psycopg.Cursor[Any] = psycopg.Cursor(self.raw(), row_factory=tuple_row)
        return cursor.execute(query.encode()).fetchall()


class AsyncApplication(Application):
    """An application on asyncio."""

    is_async = True

    async def commit(self) -> None:
        await self.connection.commit()

    async def rollback(self) -> None:
        await self.connection.rollback()

    async def close(self) -> None:
        await self.connection.close()

    async def enqueue(self, new: NewJob) -> Job:
        return await arun(await aadopt(self.connection, SCHEMA), enqueueing.enqueue(new))

    async def enqueue_many(self, new: Iterable[NewJob]) -> int:
        return await bulk_insert.ainsert(await aadopt(self.connection, SCHEMA), new, 1_000)

    async def query(self, query: str) -> list[tuple[Any, ...]]:
        cursor: psycopg.AsyncCursor[Any] = psycopg.AsyncCursor(self.raw(), row_factory=tuple_row)
        await cursor.execute(query.encode())
        return await cursor.fetchall()


class Psycopg(Application):
    """psycopg's Connection, with settings of the application."""

    async def open(self, url: str) -> None:
        self.connection = psycopg.connect(
            libpq_url(url),
            row_factory=dict_row,
            cursor_factory=ApplicationCursor,
            prepare_threshold=PREPARE_AFTER,
        )

    async def write(self) -> None:
        self.connection.execute(OWN_WRITE)

    async def within_savepoint(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        with self.connection.transaction(force_rollback=True):
            await work()


class AsyncPsycopg(AsyncApplication):
    """psycopg's AsyncConnection, with settings of the application."""

    async def open(self, url: str) -> None:
        self.connection = await psycopg.AsyncConnection.connect(
            libpq_url(url), row_factory=dict_row, cursor_factory=ApplicationAsyncCursor
        )

    async def write(self) -> None:
        await self.connection.execute(OWN_WRITE)

    async def within_savepoint(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async with self.connection.transaction(force_rollback=True):
            await work()


class SqlalchemyConnection(Application):
    """SQLAlchemy's Connection."""

    async def open(self, url: str) -> None:
        self.engine = create_engine(
            sqlalchemy_url(url), connect_args={"prepare_threshold": PREPARE_AFTER}
        )
        self.connection = self._opened()

    def _opened(self) -> Any:
        return self.engine.connect()

    async def write(self) -> None:
        self.connection.execute(text(OWN_WRITE))

    async def within_savepoint(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        savepoint = self.connection.begin_nested()
        await work()
        savepoint.rollback()

    async def close(self) -> None:
        self.connection.close()
        self.engine.dispose()

    def raw(self) -> Any:
        return self.connection.connection.driver_connection


class SqlalchemySession(SqlalchemyConnection):
    """SQLAlchemy's Session."""

    def _opened(self) -> Any:
        return Session(self.engine)

    def raw(self) -> Any:
        return self.connection.connection().connection.driver_connection


class SqlalchemyScopedSession(SqlalchemySession):
    """SQLAlchemy's scoped_session, such as Flask-SQLAlchemy's."""

    def _opened(self) -> Any:
        return scoped_session(sessionmaker(self.engine))


class SqlalchemyAsyncConnection(AsyncApplication):
    """SQLAlchemy's AsyncConnection."""

    async def open(self, url: str) -> None:
        self.engine = create_async_engine(
            sqlalchemy_url(url), connect_args={"prepare_threshold": PREPARE_AFTER}
        )
        self.connection = await self._opened()

    async def _opened(self) -> Any:
        return await self.engine.connect()

    async def write(self) -> None:
        await self.connection.execute(text(OWN_WRITE))

    async def within_savepoint(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        savepoint = await self.connection.begin_nested()
        await work()
        await savepoint.rollback()

    async def close(self) -> None:
        await self.connection.close()
        await self.engine.dispose()

    def raw(self) -> Any:
        return self.connection.sync_connection.connection.driver_connection


class SqlalchemyAsyncSession(SqlalchemyAsyncConnection):
    """SQLAlchemy's AsyncSession."""

    async def _opened(self) -> Any:
        return AsyncSession(self.engine)

    def raw(self) -> Any:
        return self.connection.sync_session.connection().connection.driver_connection


class SqlalchemyAsyncScopedSession(SqlalchemyAsyncSession):
    """SQLAlchemy's async_scoped_session."""

    async def _opened(self) -> Any:
        return async_scoped_session(async_sessionmaker(self.engine), asyncio.current_task)

    def raw(self) -> Any:
        session = self.connection()
        return session.sync_session.connection().connection.driver_connection


class Django(Application):
    """Django's connection, without a project."""

    async def open(self, url: str) -> None:
        self.connection = django_connection(url)
        self.connection.set_autocommit(False)

    async def write(self) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(OWN_WRITE)

    async def within_savepoint(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        # With Django's savepoint() the connection is set up before it.
        savepoint = self.connection.savepoint()
        await work()
        self.connection.savepoint_rollback(savepoint)

    def raw(self) -> Any:
        return self.connection.connection


KINDS = [
    Psycopg,
    SqlalchemyConnection,
    SqlalchemySession,
    SqlalchemyScopedSession,
    Django,
    AsyncPsycopg,
    SqlalchemyAsyncConnection,
    SqlalchemyAsyncSession,
    SqlalchemyAsyncScopedSession,
]


def perform(application: Application, url: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The result of *work*, run by a connected application."""

    async def connected() -> T:
        await application.open(url)
        try:
            return await work()
        finally:
            await application.close()

    return asyncio.run(connected()) if application.is_async else _run_without_a_loop(connected())


def _run_without_a_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise AssertionError("a synchronous application waited")


async def execute(application: Application, statement: str) -> None:
    executed = application.raw().execute(statement)
    if application.is_async:
        await executed


def visible(db: QueueDatabase) -> tuple[int, int]:
    """How many orders and jobs another connection sees."""
    orders, inserted = db.row(
        "select (select count(*) from public.orders), (select count(*) from pgqueue.jobs)"
    )
    return orders, inserted


def sqlalchemy_url(url: str) -> str:
    _, rest = libpq_url(url).split("://", 1)
    return f"postgresql+psycopg://{rest}"
