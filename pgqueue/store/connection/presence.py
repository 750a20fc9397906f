"""Whether the database of a caller's connection has the schema, read before the first statement.

A statement on a missing table would fail the caller's transaction. The answer is remembered for
each database, so that a job costs no second round trip.
"""

from typing import Any, Final

import psycopg

from pgqueue.core.errors import SchemaMissing
from pgqueue.store import schema_version
from pgqueue.store.connection.link import AsyncLink, Link
from pgqueue.store.schema_name import Schema
from pgqueue.store.statement import Statement, arun, first_value, run

SCHEMA_ERRORS: Final[tuple[type[psycopg.Error], ...]] = (
    psycopg.errors.InvalidSchemaName,
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.UndefinedObject,
    psycopg.errors.UndefinedColumn,
)
"""Errors of a statement in a database without the schema, or with an older one."""

_DATABASES_MAX: Final = 1_000

_Key = tuple[bytes, bytes, bytes, Schema]

_FOUND: Final[set[_Key]] = set()
"""The databases that had the schema. Any thread may add and remove; each does so at once."""

_FIND: Final[Statement[str | None]] = Statement("find_schema", {}, first_value)


def check_present(link: Link) -> None:
    """Make sure that a caller's database has the schema, before a statement needs it.

    Raises:
        SchemaMissing: It has not; the caller's transaction is as it was.
    """
    key = _key(link)
    if key not in _FOUND:
        _remember(key, run(link, _FIND))


async def acheck_present(link: AsyncLink) -> None:
    """Make sure that a caller's database has the schema: the asyncio twin of `check_present`."""
    key = _key(link)
    if key not in _FOUND:
        _remember(key, await arun(link, _FIND))


def raise_if_missing(link: Link | AsyncLink, error: psycopg.Error) -> None:
    """Raise SchemaMissing if an error of a caller's connection says that the schema is gone.

    The transaction has failed by then, so nothing can be read. The server's message is translated
    for the session, and names the schema in every language.
    """
    if _names(error.diag.message_primary or "", link.schema):
        _FOUND.discard(_key(link))
        raise _missing(link.schema) from error


def raise_if_mismatched(link: Link) -> None:
    """Raise what is wrong with the schema, after an error on a connection of our own.

    Raises:
        SchemaMissing: It was never migrated.
        SchemaTooOld: It needs `pgqueue migrate`.
        SchemaTooNew: A newer release migrated it.
    """
    if not (link.is_usable and link.is_idle):
        return
    try:
        schema_version.check(link)
    except psycopg.Error:
        return  # the error that came first says more


def _key(link: Link | AsyncLink) -> _Key:
    pgconn: Any = link.raw.pgconn
    return pgconn.host, pgconn.port, pgconn.db, link.schema


def _remember(key: _Key, table: str | None) -> None:
    if table is None:
        raise _missing(key[3])
    if len(_FOUND) >= _DATABASES_MAX:
        _FOUND.clear()
    _FOUND.add(key)


def _names(message: str, schema: Schema) -> bool:
    return f'"{schema.name}"' in message or f"{schema.name}." in message


def _missing(schema: Schema) -> SchemaMissing:
    return SchemaMissing(found=None, needed=schema_version.NEEDED, schema=schema.name)
