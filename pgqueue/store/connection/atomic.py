"""Blocks of statements that commit together, in the caller's transaction or in one of ours."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from pgqueue.store.connection.link import AsyncLink, Link

_BEGIN = "savepoint pgqueue"
_RELEASE = "release savepoint pgqueue"
_ROLL_BACK = "rollback to savepoint pgqueue"


@contextmanager
def atomic(link: Link) -> Iterator[bool]:
    """Make the statements inside appear at once; yields whether the transaction is ours.

    In a transaction of the caller an error rolls back to a savepoint: a caller who catches the
    error and commits has stored nothing. Only the caller ends that transaction. In autocommit the
    block runs in a transaction of ours.
    """
    if _is_between_transactions(link.raw):
        with link.transaction():
            yield True
        return
    # psycopg's transaction() is not used: on a connection that is not in autocommit it would be the
    # outer transaction, and commit.
    link.fetch(_BEGIN, {})
    try:
        yield False
    except BaseException:
        if _can_roll_back(link.raw):
            link.fetch(_ROLL_BACK, {})
            link.fetch(_RELEASE, {})
        raise
    link.fetch(_RELEASE, {})


@asynccontextmanager
async def aatomic(link: AsyncLink) -> AsyncIterator[bool]:
    """Make the statements inside appear at once: the asyncio twin of `atomic`."""
    if _is_between_transactions(link.raw):
        async with link.raw.transaction():
            yield True
        return
    await link.fetch(_BEGIN, {})
    try:
        yield False
    except BaseException:
        if _can_roll_back(link.raw):
            await link.fetch(_ROLL_BACK, {})
            await link.fetch(_RELEASE, {})
        raise
    await link.fetch(_RELEASE, {})


def _is_between_transactions(
    raw: "psycopg.Connection[Any] | psycopg.AsyncConnection[Any]",
) -> bool:
    return raw.autocommit and raw.info.transaction_status is TransactionStatus.IDLE


def _can_roll_back(raw: "psycopg.Connection[Any] | psycopg.AsyncConnection[Any]") -> bool:
    # A broken connection has rolled back already.
    return raw.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR)
