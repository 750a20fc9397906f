"""A few idle connections of a client's own, so that a verb need not open one each time.

Threads and greenlets may share them. A forked child starts without a connection and never uses
its parent's. A connection that is known to be broken is never lent.
"""

import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

from pgqueue.core.errors import DatabaseUnreachable, ReplyLost
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.connection.presence import SCHEMA_ERRORS, raise_if_mismatched
from pgqueue.store.database_errors import CONNECTION_ERRORS, READ_ONLY_ERRORS

IDLE_MAX = 4

# A connection that was idle for longer gets a ping before a statement is sent on it.
_PING_AFTER_IDLE_SECONDS = 5.0


class IdleLinks:
    """Links to one database: borrowed for one statement or more, and kept afterwards.

    More than `IDLE_MAX` may be borrowed at once; a surplus link is closed when it is returned.
    Any thread may call every method; `_lock` guards the list of idle links.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._idle: list[Link] = []
        self._inherited: list[Link] = []
        # At exit too: psycopg warns of connections that are never closed.
        self._finalizer = weakref.finalize(self, _close, self._idle)

    @contextmanager
    def borrow(self) -> Iterator[Link]:
        """A link that no other borrower has, for the length of a `with` block.

        Raises:
            DatabaseUnreachable: No server answers, or the server accepts no writes now.
            ReplyLost: The connection broke while it was used.
            SchemaMissing: The database has no tables of pgqueue.
            SchemaTooOld: It needs `pgqueue migrate`.
        """
        link = self._take() or self._database.open()
        try:
            yield link
        except CONNECTION_ERRORS as error:
            if link.is_usable:
                raise
            raise ReplyLost(reason=str(error).strip()) from error
        except SCHEMA_ERRORS:
            raise_if_mismatched(link)
            raise
        except READ_ONLY_ERRORS as error:
            # After a fail-over a new connection reaches the primary; this one stays read-only.
            link.close()
            raise DatabaseUnreachable(reason=str(error).strip()) from error
        finally:
            self._return(link)

    def close(self) -> None:
        """Close the idle links; a borrowed link is returned as usual."""
        self._drop_parents_links()
        with self._lock:
            links = self._idle[:]
            self._idle.clear()
        _close(links)

    def _take(self) -> Link | None:
        self._drop_parents_links()
        while True:
            with self._lock:
                if not self._idle:
                    return None
                link = self._idle.pop()
            if link.is_alive(_PING_AFTER_IDLE_SECONDS):
                return link
            link.close()

    def _return(self, link: Link) -> None:
        if link.is_usable and link.is_idle:
            with self._lock:
                if len(self._idle) < IDLE_MAX:
                    self._idle.append(link)
                    return
        _close([link])

    def _drop_parents_links(self) -> None:
        # Closing an inherited connection would end the parent's session, and dropping the last
        # reference to one warns. Another thread may have locked `_lock` when the parent forked.
        if self._pid == os.getpid():
            return
        self._lock = threading.Lock()
        self._inherited += self._idle
        self._idle.clear()
        self._pid = os.getpid()


def _close(links: list[Link]) -> None:
    for link in links:
        if link.pid == os.getpid():
            link.close()
