"""Several statements that appear at once, on any link: in the caller's transaction or in ours."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from pgqueue.store.connect import AsyncLink, Link


@contextmanager
def as_one(link: Link) -> Iterator[bool]:
    """Make the statements inside appear at once; tells whether the transaction is ours.

    A transaction of the caller's is left alone, without a savepoint: it is the caller's to end.
    In autocommit there is none, and each statement would be committed by itself.
    """
    if not _is_between_transactions(link.raw):
        yield False
        return
    with link.transaction():
        yield True


@asynccontextmanager
async def aas_one(link: AsyncLink) -> AsyncIterator[bool]:
    """Make the statements inside appear at once: the asyncio twin of `as_one`."""
    if not _is_between_transactions(link.raw):
        yield False
        return
    async with link.raw.transaction():
        yield True


def _is_between_transactions(
    raw: "psycopg.Connection[Any] | psycopg.AsyncConnection[Any]",
) -> bool:
    return raw.autocommit and raw.info.transaction_status is TransactionStatus.IDLE
