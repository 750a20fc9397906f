"""Jobs join the caller's transaction through every kind of connection, and change nothing else."""

import asyncio
import os
import re
import sqlite3
from collections.abc import Callable, Coroutine, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
import pytest
from django_connection import configure_django, django_connection
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.rows import dict_row, tuple_row
from psycopg.types.string import StrDumper
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import (
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from pgqueue.core.errors import UnsupportedConnection
from pgqueue.core.job import Job
from pgqueue.core.new_job import NewJob
from pgqueue.store import bulk_insert, enqueueing
from pgqueue.store.connection.adopt import aadopt, adopt
from pgqueue.store.connection.database import libpq_url
from pgqueue.store.schema_name import Schema
from pgqueue.store.statement import arun, run

if TYPE_CHECKING:
    from tests.store.conftest import QueueDatabase

T = TypeVar("T")

SCHEMA = Schema()
NEW = NewJob(
    "shop.mail",
    '{"to": ["ü", 1, 2.5, null]}',
    run_after=datetime(2100, 1, 2, 3, 4, 5, tzinfo=UTC),
    expires_after_seconds=60.0,
    tags=("a", "b c"),
)
# A pooler lends one session after another, and what is prepared in one is not in the next.
PREPARE_AFTER = None if os.environ.get("PGQUEUE_TEST_POOLED") else 2
OWN_WRITE = "insert into public.orders default values"


class OwnCursor(psycopg.Cursor[Any]):
    """A cursor class of the application's."""


class OwnAsyncCursor(psycopg.AsyncCursor[Any]):
    """An asyncio cursor class of the application's."""


class Application:
    """An application that holds a connection of some kind, in a transaction.

    Its methods are coroutines for every kind, so that a test is written once; those of the
    synchronous kinds never wait, and run without an event loop, which Django would refuse.
    """

    is_async = False
    connection: Any

    async def open(self, url: str) -> None:
        """Connect."""

    async def write(self) -> None:
        """Write a row of one's own."""

    async def commit(self) -> None:
        """Commit."""
        self.connection.commit()

    async def rollback(self) -> None:
        """Roll back."""
        self.connection.rollback()

    async def within_savepoint(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do work in a savepoint and roll back to it."""

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

    async def ask(self, question: str) -> list[tuple[Any, ...]]:
        """Rows that the psycopg connection underneath answers with."""
        cursor: psycopg.Cursor[Any] = psycopg.Cursor(self.raw(), row_factory=tuple_row)
        return cursor.execute(question.encode()).fetchall()


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

    async def ask(self, question: str) -> list[tuple[Any, ...]]:
        cursor: psycopg.AsyncCursor[Any] = psycopg.AsyncCursor(self.raw(), row_factory=tuple_row)
        await cursor.execute(question.encode())
        return await cursor.fetchall()


class Psycopg(Application):
    """psycopg's Connection, with settings of the application's."""

    async def open(self, url: str) -> None:
        self.connection = psycopg.connect(
            libpq_url(url),
            row_factory=dict_row,
            cursor_factory=OwnCursor,
            prepare_threshold=PREPARE_AFTER,
        )

    async def write(self) -> None:
        self.connection.execute(OWN_WRITE)

    async def within_savepoint(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        with self.connection.transaction(force_rollback=True):
            await work()


class AsyncPsycopg(AsyncApplication):
    """psycopg's AsyncConnection, with settings of the application's."""

    async def open(self, url: str) -> None:
        self.connection = await psycopg.AsyncConnection.connect(
            libpq_url(url), row_factory=dict_row, cursor_factory=OwnAsyncCursor
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
            _sqlalchemy_url(url), connect_args={"prepare_threshold": PREPARE_AFTER}
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
            _sqlalchemy_url(url), connect_args={"prepare_threshold": PREPARE_AFTER}
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


@pytest.fixture
def orders(db: "QueueDatabase") -> Iterator[None]:
    """A table of the application's."""
    db.rows("create table public.orders (id bigint generated always as identity)")
    yield
    db.rows("drop table public.orders")


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def application(request: pytest.FixtureRequest) -> Application:
    """An application of each kind, not yet connected."""
    kind: type[Application] = request.param
    return kind()


def test_a_committed_job_exists_together_with_the_applications_row(
    db: "QueueDatabase", orders: None, database_url: str, application: Application
) -> None:
    async def work() -> Job:
        await application.write()
        job = await application.enqueue(NEW)
        assert (0, 0) == _visible(db)
        await application.commit()
        return job

    job = _perform(application, database_url, work)

    assert (1, 1) == _visible(db)
    assert job == db.job(job.id)


def test_a_commit_of_a_connection_that_did_nothing_else_keeps_the_job(
    db: "QueueDatabase", orders: None, database_url: str, application: Application
) -> None:
    async def work() -> None:
        await application.enqueue(NEW)
        await application.commit()
        await application.enqueue_many([NEW, NEW])
        await application.commit()

    _perform(application, database_url, work)

    assert (0, 3) == _visible(db)


def test_a_job_rolled_back_never_exists(
    db: "QueueDatabase", orders: None, database_url: str, application: Application
) -> None:
    async def work() -> None:
        await application.enqueue(NEW)
        await application.write()
        await application.rollback()
        await application.write()
        await application.commit()

    _perform(application, database_url, work)

    assert (1, 0) == _visible(db)


def test_a_job_of_a_connection_that_just_goes_away_never_exists(
    db: "QueueDatabase", orders: None, database_url: str, application: Application
) -> None:
    async def work() -> None:
        await application.enqueue(NEW)

    _perform(application, database_url, work)

    assert (0, 0) == _visible(db)


def test_a_job_rolled_back_to_a_savepoint_never_exists(
    db: "QueueDatabase", orders: None, database_url: str, application: Application
) -> None:
    async def within() -> None:
        await application.write()
        await application.enqueue(NEW)
        await application.enqueue_many([NEW, NEW])

    async def work() -> None:
        await application.write()
        await application.enqueue(NEW)
        await application.within_savepoint(within)
        await application.write()
        await application.commit()

    _perform(application, database_url, work)

    assert (2, 1) == _visible(db)


def test_ten_thousand_jobs_rolled_back_leave_none(
    db: "QueueDatabase", orders: None, database_url: str, application: Application
) -> None:
    async def work() -> int:
        inserted = await application.enqueue_many(NEW for _ in range(9_500))
        for _ in range(500):
            await application.enqueue(NEW)
        seen = await application.ask("select count(*) from pgqueue.jobs")
        assert [(10_000,)] == seen
        await application.rollback()
        return inserted

    inserted = _perform(application, database_url, work)

    assert 9_500 == inserted
    assert (0, 0) == _visible(db)


@pytest.mark.own_session
def test_the_server_sees_the_same_text_through_every_kind(
    db: "QueueDatabase", orders: None, database_url: str, application: Application
) -> None:
    async def work() -> str:
        await application.enqueue(NEW)
        pid = application.raw().info.backend_pid
        asked = "select query from pg_stat_activity where pid = %(pid)s"
        query: str = db.row(asked, pid=pid)[0]
        return query

    seen = _perform(application, database_url, work)

    expected = re.sub(r"%\((\w+)\)s", "$", SCHEMA.render("enqueue"))
    assert expected.startswith(re.sub(r"\$\d+", "$", seen))
    assert 1_000 <= len(seen) <= 1_024  # as much as the server shows


def test_a_refusal_in_mid_bulk_leaves_nothing_in_the_callers_transaction(
    db: "QueueDatabase", orders: None, database_url: str, application: Application
) -> None:
    def jobs_until_it_breaks() -> Iterator[NewJob]:
        yield from [NEW] * 2_500
        raise ZeroDivisionError

    async def work() -> None:
        # Once as the first statement of the transaction, once in the midst of it.
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                await application.enqueue_many(jobs_until_it_breaks())
            await application.write()
        await application.enqueue_many([NEW])
        await application.commit()

    _perform(application, database_url, work)

    assert (2, 1) == _visible(db)


@pytest.mark.parametrize("kind", [Psycopg, AsyncPsycopg], ids=lambda kind: kind.__name__)
def test_bulk_that_the_server_refuses_leaves_the_callers_transaction_whole(
    db: "QueueDatabase", orders: None, database_url: str, kind: type[Application]
) -> None:
    application = kind()

    async def work() -> None:
        await application.write()
        with pytest.raises(psycopg.errors.CheckViolation):
            await application.enqueue_many([*[NEW] * 1_000, NewJob("")])
        await application.commit()

    _perform(application, database_url, work)

    assert (1, 0) == _visible(db)


@pytest.mark.own_session
@pytest.mark.parametrize("kind", [Psycopg, AsyncPsycopg], ids=lambda kind: kind.__name__)
def test_a_connection_in_pipeline_mode_is_refused_before_anything_is_sent(
    db: "QueueDatabase", orders: None, database_url: str, kind: type[Application]
) -> None:
    application = kind()

    async def work() -> None:
        with pytest.raises(UnsupportedConnection, match="pipeline mode"):
            if application.is_async:
                async with application.connection.pipeline():
                    await application.enqueue(NEW)
            else:
                with application.connection.pipeline():
                    await application.enqueue(NEW)
        await application.commit()

    _perform(application, database_url, work)

    assert (0, 0) == _visible(db)


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
@pytest.mark.parametrize("kind", [Psycopg, AsyncPsycopg], ids=lambda kind: kind.__name__)
def test_a_connection_of_another_encoding_is_refused_before_anything_is_sent(
    db: "QueueDatabase",
    orders: None,
    database_url: str,
    kind: type[Application],
    encoding: str,
) -> None:
    application = kind()

    async def work() -> None:
        await _execute(application, f"set client_encoding = '{encoding}'")
        with pytest.raises(UnsupportedConnection, match=f"client_encoding is {encoding}"):
            await application.enqueue(NEW)
        await application.commit()

    _perform(application, database_url, work)

    assert (0, 0) == _visible(db)


class Shouting(StrDumper):
    """Writes every text in capitals."""

    def dump(self, obj: str) -> Buffer | None:
        return obj.upper().encode()


class SpoiltBinary(Loader):
    """Reads every value as nonsense."""

    format = psycopg.pq.Format.BINARY

    def load(self, data: Buffer) -> object:
        return "spoilt"


@pytest.mark.parametrize("is_global", [True, False])
def test_a_callers_adapters_reach_neither_what_is_stored_nor_our_answers(
    db: "QueueDatabase",
    orders: None,
    database_url: str,
    application: Application,
    is_global: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if is_global:
        spoilt = psycopg.adapt.AdaptersMap(psycopg.adapters)
        for name in ("_dumpers", "_dumpers_by_oid", "_loaders"):
            monkeypatch.setattr(psycopg.adapters, name, getattr(spoilt, name))

    async def work() -> Job:
        await application.write()
        adapters = psycopg.adapters if is_global else application.raw().adapters
        adapters.register_dumper(str, Shouting)
        for name in ("int8", "text", "timestamptz"):
            adapters.register_loader(name, SpoiltBinary)
        job = await application.enqueue(NEW)
        await application.enqueue_many([NEW])
        await application.commit()
        return job

    job = _perform(application, database_url, work)

    assert job == db.job(job.id)
    assert [("shop.mail", 2)] == db.rows("select task, count(*) from pgqueue.jobs group by task")


class Spoilt(Loader):
    """Reads every value as nonsense, as far as a job is concerned."""

    timezone = UTC  # Django asks a loader of moments for it

    def load(self, data: Buffer) -> object:
        return "spoilt"


def test_a_callers_loaders_do_not_reach_our_answers(
    db: "QueueDatabase", orders: None, database_url: str, application: Application
) -> None:
    async def work() -> tuple[Job, Any]:
        await application.write()
        adapters = application.raw().adapters
        for name in ("int8", "int4", "text", "json", "jsonb", "timestamptz", "float8", "bool"):
            adapters.register_loader(name, Spoilt)
        for setting in ("datestyle = 'German'", "timezone = 'Asia/Tokyo'"):
            await _execute(application, f"set {setting}")
        job = await application.enqueue(NEW)
        await application.enqueue_many([NEW])
        await application.commit()
        [(seen,)] = await application.ask("select 1::bigint")
        return job, seen

    job, seen = _perform(application, database_url, work)

    assert job == db.job(job.id)
    assert (NEW.run_after, {"to": ["ü", 1, 2.5, None]}) == (job.run_at, job.args)
    assert UTC is job.created_at.tzinfo
    assert (NEW.run_after, NEW.run_after) == db.row(
        "select min(run_at), max(run_at) from pgqueue.jobs"
    )
    assert "spoilt" == seen


def test_nothing_else_changes_on_the_callers_connection(
    db: "QueueDatabase", orders: None, database_url: str, application: Application
) -> None:
    async def settings() -> dict[str, object]:
        raw = application.raw()
        session = await application.ask(
            "select name, setting from pg_settings where name <> 'transaction_read_only'"
        )
        return {
            "row_factory": raw.row_factory,
            "cursor_factory": raw.cursor_factory,
            "autocommit": raw.autocommit,
            "isolation_level": raw.isolation_level,
            "read_only": raw.read_only,
            "deferrable": raw.deferrable,
            "prepare_threshold": raw.prepare_threshold,
            "prepared_max": raw.prepared_max,
            "loaders": [
                raw.adapters.get_loader(raw.adapters.types[name].oid, format)
                for name in ("jsonb", "json", "timestamptz", "int8", "text")
                for format in psycopg.pq.Format
            ],
            "session": dict(session),
        }

    async def work() -> tuple[object, object]:
        await application.write()
        raw = application.raw()
        psycopg.types.json.set_json_loads(str, raw)
        before = await settings()
        await application.enqueue(NEW)
        await application.enqueue_many([NEW, NEW])
        after = await settings()
        await application.rollback()
        return before, after

    before, after = _perform(application, database_url, work)

    assert before == after


@pytest.mark.parametrize("kind", [Psycopg, AsyncPsycopg], ids=lambda kind: kind.__name__)
def test_in_autocommit_many_jobs_appear_at_once_or_not_at_all(
    db: "QueueDatabase", orders: None, database_url: str, kind: type[Application]
) -> None:
    application = kind()

    def jobs_until_it_breaks() -> Iterator[NewJob]:
        yield from [NEW] * 1_500
        assert (0, 0) == _visible(db)
        raise ZeroDivisionError

    async def work() -> None:
        changed = application.connection.set_autocommit(True)
        if application.is_async:
            await changed
        with pytest.raises(ZeroDivisionError):
            await application.enqueue_many(jobs_until_it_breaks())

    _perform(application, database_url, work)

    assert (0, 0) == _visible(db)


def test_what_yields_the_jobs_may_use_the_same_connection(
    db: "QueueDatabase", orders: None, database_url: str
) -> None:
    with psycopg.connect(libpq_url(database_url)) as connection:

        def jobs_of_orders() -> Iterator[NewJob]:
            for number in range(5):
                connection.execute(OWN_WRITE)
                yield NewJob("shop.order", f'{{"number": {number}}}')

        inserted = bulk_insert.insert(adopt(connection, SCHEMA), jobs_of_orders(), 2)

    assert 5 == inserted
    assert (5, 5) == _visible(db)


def test_a_job_inside_djangos_atomic_goes_with_it(
    db: "QueueDatabase", orders: None, database_url: str
) -> None:
    proxy = django_connection(database_url)
    from django.db import transaction

    with transaction.atomic():
        kept = run(adopt(proxy, SCHEMA), enqueueing.enqueue(NEW))
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            run(adopt(proxy, SCHEMA), enqueueing.enqueue(NEW))
            raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        run(adopt(proxy, SCHEMA), enqueueing.enqueue(NEW))
        raise ZeroDivisionError
    proxy.close()

    assert [(kept.id,)] == db.rows("select id from pgqueue.jobs")


def test_djangos_own_refusal_of_a_broken_transaction_stands(database_url: str) -> None:
    proxy = django_connection(database_url)
    from django.db import transaction

    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(transaction.TransactionManagementError):
            adopt(proxy, SCHEMA)
    proxy.close()


def test_the_synchronous_face_of_an_asyncio_session_is_refused(database_url: str) -> None:
    async def work() -> None:
        engine = create_async_engine(_sqlalchemy_url(database_url))
        async with AsyncSession(engine) as session:
            with pytest.raises(UnsupportedConnection, match="await aenqueue"):
                await session.run_sync(lambda face: adopt(face, SCHEMA))
        await engine.dispose()

    asyncio.run(work())


def test_the_wrong_verb_is_named_with_the_right_one(
    orders: None, database_url: str, application: Application
) -> None:
    async def work() -> None:
        if application.is_async:
            with pytest.raises(UnsupportedConnection, match=r"prefix `a`, such as `await"):
                adopt(application.connection, SCHEMA)
        else:
            with pytest.raises(UnsupportedConnection, match=r"without the prefix|sync_to_async"):
                await aadopt(application.connection, SCHEMA)

    _perform(application, database_url, work)


@pytest.mark.parametrize(
    "kind",
    [Psycopg, SqlalchemyConnection, AsyncPsycopg, SqlalchemyAsyncConnection],
    ids=lambda kind: kind.__name__,
)
def test_a_closed_connection_is_refused(
    orders: None, database_url: str, kind: type[Application]
) -> None:
    application = kind()

    async def work() -> None:
        await application.close()
        with pytest.raises(UnsupportedConnection, match="closed or broken"):
            await application.enqueue(NEW)

    _perform(application, database_url, work)


@pytest.mark.own_session
def test_a_broken_connection_is_refused(db: "QueueDatabase", database_url: str) -> None:
    connection = psycopg.connect(libpq_url(database_url))
    db.rows("select pg_terminate_backend(%(pid)s)", pid=connection.info.backend_pid)
    with pytest.raises(psycopg.OperationalError):
        connection.execute("select 1")

    with pytest.raises(UnsupportedConnection, match="closed or broken"):
        adopt(connection, SCHEMA)

    connection.close()


def _of_module(module: str) -> object:
    return type("connection", (), {"__module__": module})()


@pytest.mark.parametrize(
    ("connection", "advice"),
    [
        (_of_module("psycopg2.extensions"), r"psycopg2: use psycopg 3, .*postgresql\+psycopg://"),
        (_of_module("asyncpg.connection"), r"asyncpg: use psycopg 3, .*postgresql\+psycopg://"),
        (_of_module("pg8000.legacy"), r"pg8000: use psycopg 3, .*postgresql\+psycopg://"),
        (_of_module("psycopg_pool.pool"), r"It is a pool: .*pool\.connection\(\)"),
        (_of_module("aiosqlite.core"), "jobs live in PostgreSQL"),
        (sqlite3.connect(":memory:"), "jobs live in PostgreSQL"),
        (create_engine("sqlite://"), "Pass a connection of it"),
        (create_engine("sqlite://").connect(), "jobs live in PostgreSQL"),
        (Session(create_engine("sqlite://")), "jobs live in PostgreSQL"),
        (create_async_engine("postgresql+psycopg://"), "Pass a connection of it"),
        (text("select 1"), "Pass a psycopg 3 connection"),
        ("postgresql://localhost", "Pass a psycopg 3 connection"),
        (object(), "Pass a psycopg 3 connection"),
    ],
    ids=lambda value: type(value).__module__ if not isinstance(value, str) else "",
)
def test_what_cannot_carry_jobs_is_refused_with_advice(connection: object, advice: str) -> None:
    with pytest.raises(UnsupportedConnection, match=advice):
        adopt(connection, SCHEMA)


@pytest.mark.parametrize("engine", ["sqlite3", "dummy"])
def test_djangos_other_databases_are_refused(engine: str) -> None:
    configure_django()
    from django.db.utils import ConnectionHandler

    handler = ConnectionHandler(
        {"default": {"ENGINE": f"django.db.backends.{engine}", "NAME": ":memory:"}}
    )

    with pytest.raises(UnsupportedConnection, match="jobs live in PostgreSQL"):
        adopt(handler["default"], SCHEMA)


def test_a_job_for_later_is_due_by_the_databases_clock(
    db: "QueueDatabase", database_url: str
) -> None:
    with psycopg.connect(libpq_url(database_url)) as connection:
        connection.execute("set timezone = 'Asia/Tokyo'")
        link = adopt(connection, SCHEMA)

        job = run(link, enqueueing.enqueue(NewJob("t", run_after=90.0)))

    assert abs(job.run_at - job.created_at - timedelta(seconds=90)) < timedelta(seconds=1)
    assert "scheduled" == job.status


def _perform(application: Application, url: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What *work* returns, done by a connected application."""

    async def whole() -> T:
        await application.open(url)
        try:
            return await work()
        finally:
            await application.close()

    return asyncio.run(whole()) if application.is_async else _run_without_a_loop(whole())


def _run_without_a_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise AssertionError("a synchronous application waited")


async def _execute(application: Application, statement: str) -> None:
    executed = application.raw().execute(statement)
    if application.is_async:
        await executed


def _visible(db: "QueueDatabase") -> tuple[int, int]:
    """How many orders and jobs another connection sees."""
    orders, inserted = db.row(
        "select (select count(*) from public.orders), (select count(*) from pgqueue.jobs)"
    )
    return orders, inserted


def _sqlalchemy_url(url: str) -> str:
    _, rest = libpq_url(url).split("://", 1)
    return f"postgresql+psycopg://{rest}"
