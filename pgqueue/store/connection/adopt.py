"""Links over a caller's connection: psycopg's, SQLAlchemy's or Django's.

Called by `client` for `connection=`. Recognises SQLAlchemy and Django by the modules of their
classes, so that neither is imported for an application without it. Never commits, rolls back,
closes, or changes a setting. It may begin the transaction that the owner's next statement would
have begun.
"""

from typing import Any

import psycopg
from psycopg.pq import PipelineStatus

from pgqueue.core.errors import UnsupportedConnection
from pgqueue.store.connection.link import AsyncLink, Link
from pgqueue.store.connection.presence import acheck_present, check_present
from pgqueue.store.schema_name import Schema

_USE_ASYNC = "It belongs to asyncio: use the verb with the prefix `a`, such as `await aenqueue()`."
_USE_SYNC = "It is synchronous: use the verb without the prefix `a`, such as `enqueue()`."
_IS_CLOSED = "It is closed or broken: pass one that is open."
_IN_PIPELINE = (
    "It is in pipeline mode, where answers come later: enqueue outside of the `with "
    "connection.pipeline()`."
)
_ENGINE = "Pass a connection of it, so that the job joins its transaction."
_NO_BIND = "It has no bind: make it by `Session(engine)`, or pass a connection."
_SEVERAL_BINDS = (
    "It has several binds: pass the connection of the one whose transaction the job joins, "
    "`session.connection(bind_arguments={'mapper': Model})`."
)
_SUPPORTED = (
    "Pass a psycopg 3 connection, a connection or session of SQLAlchemy over psycopg 3, or "
    "Django's connection."
)
_SQLITE = (
    "It is SQLite's: jobs live in PostgreSQL, and only a transaction there can hold both. "
    "Enqueue without `connection=`, after the commit."
)
_ADVICE = {
    "psycopg2": "Its driver is psycopg2: use psycopg 3, in SQLAlchemy by a URL that begins "
    "`postgresql+psycopg://`, in Django by installing `psycopg`.",
    "asyncpg": "Its driver is asyncpg: use psycopg 3, in SQLAlchemy by a URL that begins "
    "`postgresql+psycopg://`.",
    "pg8000": "Its driver is pg8000: use psycopg 3, in SQLAlchemy by a URL that begins "
    "`postgresql+psycopg://`.",
    "sqlite3": _SQLITE,
    "aiosqlite": _SQLITE,
    "psycopg_pool": "It is a pool: pass a connection that it lends, by `with pool.connection()`.",
}


def adopt(connection: Any, schema: Schema) -> Link:
    """Return a link over a caller's connection, in the caller's transaction.

    Raises:
        UnsupportedConnection: Jobs cannot use a connection of its kind; or it is closed, asyncio's,
            in pipeline mode, or its encoding is not UTF-8.
        SchemaMissing: Its database has no tables of pgqueue.
    """
    raw = (
        connection
        if isinstance(connection, psycopg.Connection)
        else _psycopg_connection(connection)
    )
    _check_usable(raw, connection)
    link = Link(raw, schema)
    check_present(link)
    return link


async def aadopt(connection: Any, schema: Schema) -> AsyncLink:
    """Return a link over a caller's asyncio connection, in the caller's transaction.

    Raises:
        UnsupportedConnection: Jobs cannot use a connection of its kind; or it is closed,
            synchronous, in pipeline mode, or its encoding is not UTF-8.
        SchemaMissing: Its database has no tables of pgqueue.
    """
    if _is_from(connection, "django"):
        raise UnsupportedConnection(
            _type(connection), "Django's connection is synchronous: enqueue inside `sync_to_async`."
        )
    if _is_from(connection, "sqlalchemy"):
        raw = await _from_async_sqlalchemy(connection)
    else:
        raw = connection
    if isinstance(raw, psycopg.Connection):
        raise UnsupportedConnection(_type(connection), _USE_SYNC)
    if not isinstance(raw, psycopg.AsyncConnection):
        raise UnsupportedConnection(_type(connection), _advice(raw))
    _check_usable(raw, connection)
    link = AsyncLink(raw, schema)
    await acheck_present(link)
    return link


def _psycopg_connection(connection: Any) -> "psycopg.Connection[Any]":
    raw = connection
    if _is_from(connection, "sqlalchemy"):
        raw = _from_sqlalchemy(connection)
    elif _is_from(connection, "django"):
        raw = _from_django(connection)
    if isinstance(raw, psycopg.AsyncConnection):
        raise UnsupportedConnection(_type(connection), _USE_ASYNC)
    if not isinstance(raw, psycopg.Connection):
        raise UnsupportedConnection(_type(connection), _advice(raw))
    return raw


def _from_sqlalchemy(connection: Any) -> Any:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.exc import UnboundExecutionError
    from sqlalchemy.ext import asyncio
    from sqlalchemy.orm import Session, scoped_session

    if isinstance(connection, Engine | asyncio.AsyncEngine):
        raise UnsupportedConnection(_type(connection), _ENGINE)
    if isinstance(
        connection,
        asyncio.AsyncConnection | asyncio.AsyncSession | asyncio.async_scoped_session,
    ):
        raise UnsupportedConnection(_type(connection), _USE_ASYNC)
    inner = connection
    if isinstance(connection, Session | scoped_session):
        try:
            inner = connection.connection()
        except UnboundExecutionError:
            session = connection if isinstance(connection, Session) else connection()
            inner = session.connection(bind_arguments={"bind": _only_bind(session, connection)})
    if not isinstance(inner, Connection):
        raise UnsupportedConnection(_type(connection), _SUPPORTED)
    if inner.closed or inner.invalidated:
        raise UnsupportedConnection(_type(connection), _IS_CLOSED)
    # SQLAlchemy does not see our statements: without begin() its commit() would do nothing.
    # See test_a_commit_of_a_connection_that_did_nothing_else_keeps_the_job.
    if not inner.in_transaction():
        inner.begin()
    return inner.connection.driver_connection


async def _from_async_sqlalchemy(connection: Any) -> Any:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.exc import UnboundExecutionError
    from sqlalchemy.ext import asyncio
    from sqlalchemy.orm import Session, scoped_session

    if isinstance(connection, Engine | asyncio.AsyncEngine):
        raise UnsupportedConnection(_type(connection), _ENGINE)
    if isinstance(connection, Connection | Session | scoped_session):
        raise UnsupportedConnection(_type(connection), _USE_SYNC)
    inner = connection
    if isinstance(connection, asyncio.AsyncSession | asyncio.async_scoped_session):
        try:
            inner = await connection.connection()
        except UnboundExecutionError:
            session = connection if isinstance(connection, asyncio.AsyncSession) else connection()
            bind = _only_bind(session.sync_session, connection)
            inner = await session.connection(bind_arguments={"bind": bind})
    if not isinstance(inner, asyncio.AsyncConnection):
        raise UnsupportedConnection(_type(connection), _SUPPORTED)
    if inner.closed or inner.invalidated:
        raise UnsupportedConnection(_type(connection), _IS_CLOSED)
    if not inner.in_transaction():
        await inner.begin()
    return (await inner.get_raw_connection()).driver_connection


def _only_bind(session: Any, connection: object) -> Any:
    """The engine or the connection that a session without a bind of its own can only mean.

    Its models have binds. Jobs live in PostgreSQL; of several binds there, the one that the
    session's transaction already uses carries the job.
    """
    # SQLAlchemy 2.0 has only the private name. Without `_connections` the advice below remains.
    of_models = getattr(session, "binds", None) or getattr(session, "_Session__binds", {})
    binds = list({id(bind): bind for bind in of_models.values()}.values())
    if not binds:
        raise UnsupportedConnection(_type(connection), _NO_BIND)
    postgresql = [bind for bind in binds if bind.dialect.name == "postgresql"]
    candidates = postgresql or binds
    if len(candidates) > 1:
        in_use = getattr(session.get_transaction(), "_connections", {})
        candidates = [bind for bind in candidates if bind in in_use]
    if len(candidates) != 1:
        raise UnsupportedConnection(_type(connection), _SEVERAL_BINDS)
    return candidates[0]


def _from_django(connection: Any) -> Any:
    vendor = getattr(connection, "vendor", None)
    if vendor is None:
        raise UnsupportedConnection(_type(connection), _SUPPORTED)
    if vendor != "postgresql":
        raise UnsupportedConnection(
            _type(connection), f"Its database is {vendor}: jobs live in PostgreSQL."
        )
    # Django opens the connection here if necessary. It refuses another thread, and a transaction
    # that must be rolled back.
    connection.validate_no_broken_transaction()
    with connection.cursor():
        return connection.connection


def _check_usable(raw: Any, connection: object) -> None:
    pgconn = raw.pgconn
    if raw.closed:
        raise UnsupportedConnection(_type(connection), _IS_CLOSED)
    # In a pipeline errors come later, after the job was sent.
    if pgconn.pipeline_status != PipelineStatus.OFF:
        raise UnsupportedConnection(_type(connection), _IN_PIPELINE)
    encoding = pgconn.parameter_status(b"client_encoding") or b"unknown"
    if encoding != b"UTF8":
        raise UnsupportedConnection(
            _type(connection),
            f"Its client_encoding is {encoding.decode()}, which cannot encode every job: "
            "connect with `client_encoding=utf8` in the URL.",
        )


def _is_from(connection: Any, package: str) -> bool:
    return package in _packages(connection)


def _advice(raw: Any) -> str:
    packages = _packages(raw)
    return next((text for package, text in _ADVICE.items() if package in packages), _SUPPORTED)


def _packages(connection: Any) -> set[str]:
    return {base.__module__.partition(".")[0] for base in type(connection).__mro__}


def _type(connection: Any) -> str:
    kind = type(connection)
    return f"{kind.__module__}.{kind.__qualname__}"
