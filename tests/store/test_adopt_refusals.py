"""An object that cannot carry jobs is refused, with advice."""

import asyncio
import sqlite3

import psycopg
import pytest
from applications import (
    NEW,
    SCHEMA,
    Application,
    AsyncPsycopg,
    Psycopg,
    SqlalchemyAsyncConnection,
    SqlalchemyConnection,
    execute,
    perform,
    sqlalchemy_url,
    visible,
)
from django_connection import configure_django
from queue_database import QueueDatabase
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from pgqueue.core.errors import UnsupportedConnection
from pgqueue.store.connection.adopt import aadopt, adopt
from pgqueue.store.connection.database import libpq_url


@pytest.mark.own_session
@pytest.mark.parametrize("kind", [Psycopg, AsyncPsycopg], ids=lambda kind: kind.__name__)
def test_a_connection_in_pipeline_mode_is_refused_before_anything_is_sent(
    db: QueueDatabase, orders: None, database_url: str, kind: type[Application]
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

    perform(application, database_url, work)

    assert (0, 0) == visible(db)


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
@pytest.mark.parametrize("kind", [Psycopg, AsyncPsycopg], ids=lambda kind: kind.__name__)
def test_a_connection_of_another_encoding_is_refused_before_anything_is_sent(
    db: QueueDatabase,
    orders: None,
    database_url: str,
    kind: type[Application],
    encoding: str,
) -> None:
    application = kind()

    async def work() -> None:
        await execute(application, f"set client_encoding = '{encoding}'")
        with pytest.raises(UnsupportedConnection, match=f"client_encoding is {encoding}"):
            await application.enqueue(NEW)
        await application.commit()

    perform(application, database_url, work)

    assert (0, 0) == visible(db)


def test_the_synchronous_side_of_an_asyncio_session_is_refused(database_url: str) -> None:
    async def work() -> None:
        engine = create_async_engine(sqlalchemy_url(database_url))
        async with AsyncSession(engine) as session:
            with pytest.raises(UnsupportedConnection, match="await aenqueue"):
                await session.run_sync(lambda face: adopt(face, SCHEMA))
        await engine.dispose()

    asyncio.run(work())


def test_a_refusal_of_the_wrong_verb_names_the_right_verb(
    orders: None, database_url: str, application: Application
) -> None:
    async def work() -> None:
        if application.is_async:
            with pytest.raises(UnsupportedConnection, match=r"prefix `a`, such as `await"):
                adopt(application.connection, SCHEMA)
        else:
            with pytest.raises(UnsupportedConnection, match=r"without the prefix|sync_to_async"):
                await aadopt(application.connection, SCHEMA)

    perform(application, database_url, work)


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

    perform(application, database_url, work)


@pytest.mark.own_session
def test_a_broken_connection_is_refused(db: QueueDatabase, database_url: str) -> None:
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
def test_an_unsupported_object_is_refused_with_advice(connection: object, advice: str) -> None:
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
