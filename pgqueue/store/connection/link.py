"""Links: psycopg connections with the schema that their statements are for.

`Database` opens links of our own; `adopt` makes links over a caller's connections. An `AsyncLink`
is the asyncio twin of a `Link`.
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

from pgqueue.core.descriptors import replace_by_null
from pgqueue.store.connection import session
from pgqueue.store.connection.access import ACCESS_ADVICE
from pgqueue.store.connection.adapters import AsyncCursor, Cursor
from pgqueue.store.schema_name import Schema
from pgqueue.store.statement import Row

NO_SETTINGS: Final[Mapping[str, str]] = MappingProxyType({})

# There are fewer statements than that.
_TEXTS_MAX = 256

_NO_TRANSACTION: Final = nullcontext()


@lru_cache(maxsize=_TEXTS_MAX)
def _encoded(text: str) -> bytes:
    # One bytes object for each text: psycopg's cache finds it without comparing the text.
    return text.encode()


def _has_answer(cursor: "psycopg.Cursor[Any] | psycopg.AsyncCursor[Any]") -> bool:
    # `description` would describe each column first.
    return cursor.pgresult is not None and cursor.pgresult.status == ExecStatus.TUPLES_OK


class Link:
    """A psycopg connection that runs statements for one schema.

    Args:
        is_pooled: Whether the session behind it changes from transaction to transaction.
        settings: Its own settings; a pooled link sets them again in each transaction.

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
        """The rows that the statement *text* returns; none for a statement without rows."""
        with ACCESS_ADVICE, self._settings():
            # The cursor is not closed: it has no resource of the server.
            cursor = Cursor(self.raw, row_factory=tuple_row)
            cursor.execute(_encoded(text), params, binary=True)
            self._answered_at = time.monotonic()
            return cursor.fetchall() if _has_answer(cursor) else []

    def copy(self, text: str, blocks: Iterable[bytes]) -> None:
        """Send *blocks* of complete rows by the COPY statement *text*."""
        with (
            ACCESS_ADVICE,
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
                self.raw.execute(session.settings_statement(self._own_settings))
            yield

    def _settings(self) -> AbstractContextManager[None]:
        # A session of our own has the settings already.
        return self.transaction() if self.is_pooled and self.is_idle else _NO_TRANSACTION

    def listen(self, supervisor_id: int) -> None:
        """Receive a supervisor's notifications on this connection, which must not be pooled."""
        # A frozen process acknowledges nothing more once its buffers are full. Its session would
        # keep the notifications of all databases in the queue of the server.
        self.raw.execute("set tcp_user_timeout = '20s'")
        channel = sql.Identifier(self.schema.channel(supervisor_id))
        self.raw.execute(sql.SQL("listen {}").format(channel))

    def notifications(self, timeout: float) -> set[str]:
        """Wait for a notification, at most *timeout* seconds.

        Returns the payloads of all that arrived; none without a notification.
        """
        return self._arrived_notifications() or {
            notification.payload
            for notification in self.raw.notifies(timeout=timeout, stop_after=1)
        }

    def _arrived_notifications(self) -> set[str]:
        # `is_still_connected` may have read a notification from the socket. psycopg would return it
        # only when the next data arrives.
        payloads = set()
        while notification := self.raw.pgconn.notifies():
            payloads.add(notification.extra.decode())
        return payloads

    def drain(self, timeout: float) -> set[str]:
        """Wait *timeout* seconds, and return the payloads of the notifications that come meanwhile.

        Unread notifications would fill the server's queue, which all databases share.
        """
        payloads = self._arrived_notifications()
        payloads.update(notification.payload for notification in self.raw.notifies(timeout=timeout))
        return payloads

    @property
    def is_usable(self) -> bool:
        """Whether the connection works, and this process opened it."""
        return not (self.raw.closed or self.raw.broken) and self.pid == os.getpid()

    @property
    def is_idle(self) -> bool:
        """Whether no transaction is open on the connection, not even a failed one."""
        return self.raw.info.transaction_status is TransactionStatus.IDLE

    def is_still_connected(self) -> bool:
        """Whether an idle connection still works, without a round trip to the server."""
        # No answer is due on an idle connection, so these reads do not wait. The first reads the
        # server's last message, the second finds the end of the connection. So a connection that
        # broke while idle is replaced before a statement is sent. See
        # test_a_connection_that_broke_while_idle_is_replaced.
        try:
            self.raw.pgconn.consume_input()
            self.raw.pgconn.consume_input()
        except psycopg.OperationalError:
            return False
        return self.is_usable

    @contextmanager
    def short_timeout(self, seconds: float | None = None) -> Iterator[None]:
        """Wait at most 5 s, or *seconds*, for each answer in this block; only for cheap statements.

        Without an answer in time the connection is closed. The server may run the statement until
        its `statement_timeout`.
        """
        if not isinstance(self.raw, session.OwnConnection):
            yield
            return
        with self.raw.short_timeout(seconds):
            yield

    def is_alive(self, ping_after_idle_seconds: float) -> bool:
        """Whether a connection of our own works; pings the server after an idle time.

        A firewall may have dropped an idle connection, and a host may be gone, without a sign. The
        next statement would wait 22 s, and its outcome would be unknown.

        Args:
            ping_after_idle_seconds: The server is pinged when its last answer is older.
        """
        if not self.is_still_connected():
            return False
        if time.monotonic() - self._answered_at < ping_after_idle_seconds:
            return True
        if isinstance(self.raw, session.OwnConnection) and not self.raw.ping():
            return False
        self._answered_at = time.monotonic()
        return True

    def abandon(self) -> None:
        """Release the socket in a fork; the session goes on in the process that opened it."""
        if not self.raw.closed:
            replace_by_null(self.raw.fileno())

    def close(self) -> None:
        """Close the connection; closing twice is no error."""
        self.raw.close()


class AsyncLink:
    """The asyncio twin of `Link`, over a connection of the caller's."""

    def __init__(self, raw: "psycopg.AsyncConnection[Any]", schema: Schema) -> None:
        self.raw = raw
        self.schema = schema

    async def fetch(self, text: str, params: Mapping[str, object]) -> Sequence[Row]:
        """The rows that the statement *text* returns; none for a statement without rows."""
        with ACCESS_ADVICE:
            cursor = AsyncCursor(self.raw, row_factory=tuple_row)
            await cursor.execute(_encoded(text), params, binary=True)
            return await cursor.fetchall() if _has_answer(cursor) else []

    async def copy(self, text: str, blocks: Iterable[bytes]) -> None:
        """Send *blocks* of complete rows by the COPY statement *text*."""
        with ACCESS_ADVICE:
            async with psycopg.AsyncCursor(self.raw) as cursor, cursor.copy(text.encode()) as copy:
                for block in blocks:
                    await copy.write(block)
