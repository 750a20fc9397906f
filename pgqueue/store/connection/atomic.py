"""Several statements that appear at once, or not at all: in the caller's transaction or in ours."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from pgqueue.store.connection.link import AsyncLink, Link

_BEGIN = "savepoint pgqueue"
_KEEP = "release savepoint pgqueue"
_UNDO = "rollback to savepoint pgqueue"


@contextmanager
def atomic(link: Link) -> Iterator[bool]:
    """Make the statements inside appear at once; tells whether the transaction is ours.

    A transaction of the caller's is the caller's to end. An error takes back what was done inside,
    by a savepoint: who catches it and commits has stored nothing. In autocommit there is no
    transaction, and each statement would be committed by itself.
    """
    if _is_between_transactions(link.raw):
        with link.transaction():
            yield True
        return
    # Not by psycopg's transaction(): on a connection that is not in autocommit it would be the
    # outer one, and commit.
    link.fetch(_BEGIN, {})
    try:
        yield False
    except BaseException:
        if _can_undo(link.raw):
            link.fetch(_UNDO, {})
            link.fetch(_KEEP, {})
        raise
    link.fetch(_KEEP, {})


@asynccontextmanager
async def aatomic(link: AsyncLink) -> AsyncIterator[bool]:
    """Make the statements inside appear at once: the asyncio twin of `as_one`."""
    if _is_between_transactions(link.raw):
        async with link.raw.transaction():
            yield True
        return
    await link.fetch(_BEGIN, {})
    try:
        yield False
    except BaseException:
        if _can_undo(link.raw):
            await link.fetch(_UNDO, {})
            await link.fetch(_KEEP, {})
        raise
    await link.fetch(_KEEP, {})


def _is_between_transactions(
    raw: "psycopg.Connection[Any] | psycopg.AsyncConnection[Any]",
) -> bool:
    return raw.autocommit and raw.info.transaction_status is TransactionStatus.IDLE


def _can_undo(raw: "psycopg.Connection[Any] | psycopg.AsyncConnection[Any]") -> bool:
    # A connection that broke took everything back.
    return raw.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR)
