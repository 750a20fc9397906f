"""Connections to PostgreSQL: our own (`Database.open`) and the two faces all are asked through.

A `Link` is a psycopg connection with the schema that statements on it are written for; an
`AsyncLink` is its asyncio twin. Links over the caller's connections come from `adopt`.
"""

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.rows import tuple_row

from pgqueue.store.connection import session
from pgqueue.store.connection.adapters import AsyncCursor, Cursor
from pgqueue.store.connection.denial import EXPLAINED
from pgqueue.store.schema_name import Schema
from pgqueue.store.statement import Row

NO_SETTINGS: Final[Mapping[str, str]] = MappingProxyType({})

# More than there are statements of ours.
_TEXTS_MAX = 256

_AS_THEY_ARE: Final = nullcontext()


@lru_cache(maxsize=_TEXTS_MAX)
def _encoded(text: str) -> bytes:
    # The same bytes each time: psycopg, which keeps what it made of them, need not read them.
    return text.encode()


def _has_answer(cursor: "psycopg.Cursor[Any] | psycopg.AsyncCursor[Any]") -> bool:
    # `description` tells it too, and describes each column first.
    return cursor.pgresult is not None and cursor.pgresult.status == ExecStatus.TUPLES_OK


class Link:
    """A psycopg connection to ask statements on.

    Args:
        is_pooled: Whether the session behind it changes from transaction to transaction.
        settings: What it was opened with, to be said again in each of those.

    The cursor is always our own, with tuple rows, whatever the connection's owner set. Answers
    come in binary: the session's DateStyle and the like are for text.
    """

    def __init__(
        self,
        raw: "psycopg.Connection[Any]",
        schema: Schema,
        *,
        is_pooled: bool = False,
        settings: Mapping[str, str] = NO_SETTINGS,
    ) -> None:
        self.raw = raw
        self.schema = schema
        self.is_pooled = is_pooled
        self.pid = os.getpid()
        self._own_settings = settings
        self._answered_at = time.monotonic()

    def fetch(self, text: str, params: Mapping[str, object]) -> Sequence[Row]:
        """The rows that *text* answers with; none for a statement without an answer."""
        with EXPLAINED, self._settings():
            # Not closed, because it holds nothing of the server's.
            cursor = Cursor(self.raw, row_factory=tuple_row)
            cursor.execute(_encoded(text), params, binary=True)
            self._answered_at = time.monotonic()
            return cursor.fetchall() if _has_answer(cursor) else []

    def copy(self, text: str, blocks: Iterable[bytes]) -> None:
        """Send *blocks* of whole rows by the COPY statement *text*."""
        with (
            EXPLAINED,
            self._settings(),
            psycopg.Cursor(self.raw) as cursor,
            cursor.copy(text.encode()) as copy,
        ):
            for block in blocks:
                copy.write(block)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make the statements inside one commit, or none."""
        with self.raw.transaction():
            if self.is_pooled:
                self.raw.execute(session.as_statement(self._own_settings))
            yield

    def _settings(self) -> AbstractContextManager[None]:
        # Where the session is ours they hold already.
        return self.transaction() if self.is_pooled and self.is_idle else _AS_THEY_ARE

    def listen(self) -> None:
        """Receive our schema's notifications on this connection, which must not be pooled."""
        channel = sql.Identifier(self.schema.channel)
        self.raw.execute(sql.SQL("listen {}").format(channel))

    def notifications(self, timeout: float) -> set[str]:
        """Wait for a notification, at most *timeout* seconds.

        Returns the payloads of all that have come; none without a notification.
        """
        return {received.payload for received in self.raw.notifies(timeout=timeout, stop_after=1)}

    def drain(self, timeout: float) -> set[str]:
        """Wait so many seconds, and return the payloads of the notifications that come meanwhile.

        Notifications that nobody reads would fill the server's queue, which all databases share.
        """
        return {received.payload for received in self.raw.notifies(timeout=timeout)}

    @property
    def is_usable(self) -> bool:
        """Whether the connection can be asked, in the process that opened it."""
        return not (self.raw.closed or self.raw.broken) and self.pid == os.getpid()

    @property
    def is_idle(self) -> bool:
        """Whether no transaction is open on it, not even a failed one."""
        return self.raw.info.transaction_status is TransactionStatus.IDLE

    def is_still_connected(self) -> bool:
        """Whether an idle connection is whole still; asks nothing of the server."""
        # Nothing is due on an idle connection, so these reads do not wait. The first takes the
        # server's last words, the second finds the end: what broke while it lay idle is
        # replaced before anything is sent. See
        # test_a_connection_that_broke_while_idle_is_replaced.
        try:
            self.raw.pgconn.consume_input()
            self.raw.pgconn.consume_input()
        except psycopg.OperationalError:
            return False
        return self.is_usable

    @contextmanager
    def short_timeout(self) -> Iterator[None]:
        """Ask a question that costs the server little, and whose answer is a sign of life.

        Without an answer within 5 s the connection is closed. The server may go on with it for
        as long as its `statement_timeout`.
        """
        if not isinstance(self.raw, session.OwnConnection):
            yield
            return
        with self.raw.short_timeout():
            yield

    def is_alive(self, ping_after_idle_seconds: float) -> bool:
        """Whether a connection of our own is whole; asks the server if it is not sure.

        A firewall that forgot an idle connection, and a host that is gone, tell nobody: the
        next statement would wait 22 s, and its outcome would be unknown.

        Args:
            ping_after_idle_seconds: After an answer, no ping for so long.
        """
        if not self.is_still_connected():
            return False
        if time.monotonic() - self._answered_at < ping_after_idle_seconds:
            return True
        if isinstance(self.raw, session.OwnConnection) and not self.raw.ping():
            return False
        self._answered_at = time.monotonic()
        return True

    def close(self) -> None:
        """Close the connection; closing twice is no error."""
        self.raw.close()


class AsyncLink:
    """The asyncio twin of `Link`, over a connection of the caller's."""

    def __init__(self, raw: "psycopg.AsyncConnection[Any]", schema: Schema) -> None:
        self.raw = raw
        self.schema = schema

    async def fetch(self, text: str, params: Mapping[str, object]) -> Sequence[Row]:
        """The rows that *text* answers with; none for a statement without an answer."""
        with EXPLAINED:
            cursor = AsyncCursor(self.raw, row_factory=tuple_row)
            await cursor.execute(_encoded(text), params, binary=True)
            return await cursor.fetchall() if _has_answer(cursor) else []

    async def copy(self, text: str, blocks: Iterable[bytes]) -> None:
        """Send *blocks* of whole rows by the COPY statement *text*."""
        with EXPLAINED:
            async with psycopg.AsyncCursor(self.raw) as cursor, cursor.copy(text.encode()) as copy:
                for block in blocks:
                    await copy.write(block)
