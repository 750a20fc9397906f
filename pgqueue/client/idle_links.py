"""A few idle connections of our own, so that a verb need not open one each time.

Used by `client` alone. Safe between threads and greenlets; a forked child starts with none and
never touches its parent's. Never hands out a connection that is known to be broken.
"""

import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

from pgqueue.core.errors import DatabaseUnreachable, ReplyLost
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.database_errors import CONNECTION_ERRORS, READ_ONLY_ERRORS

IDLE_MAX = 4

# One that lay idle for longer is asked for a sign of life before anything is sent on it.
_PING_AFTER_IDLE_SECONDS = 5.0


class IdleLinks:
    """Links to one database: borrowed one at a time, kept when they are given back.

    More than `IDLE_MAX` may be borrowed at once; the surplus is closed when it comes back.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._idle: list[Link] = []
        self._inherited: list[Link] = []
        # At exit too: psycopg warns of connections that nobody closed.
        self._finalizer = weakref.finalize(self, _close, self._idle)

    @contextmanager
    def borrow(self) -> Iterator[Link]:
        """A link of one's own for the length of a `with` block.

        Raises:
            DatabaseUnreachable: No server answers, or it takes no writes now.
            ReplyLost: The connection broke while it was used.
        """
        link = self._take() or self._database.open()
        try:
            yield link
        except CONNECTION_ERRORS as error:
            if link.is_usable:
                raise
            raise ReplyLost(reason=str(error).strip()) from error
        except READ_ONLY_ERRORS as error:
            # A fail-over leads new connections to the primary, and this one nowhere.
            link.close()
            raise DatabaseUnreachable(reason=str(error).strip()) from error
        finally:
            self._give_back(link)

    def close(self) -> None:
        """Close what is idle; what is borrowed comes back as usual."""
        self._forget_a_parents()
        with self._lock:
            links = self._idle[:]
            self._idle.clear()
        _close(links)

    def _take(self) -> Link | None:
        self._forget_a_parents()
        while True:
            with self._lock:
                if not self._idle:
                    return None
                link = self._idle.pop()
            if link.is_alive(_PING_AFTER_IDLE_SECONDS):
                return link
            link.close()

    def _give_back(self, link: Link) -> None:
        if link.is_usable and link.is_idle:
            with self._lock:
                if len(self._idle) < IDLE_MAX:
                    self._idle.append(link)
                    return
        _close([link])

    def _forget_a_parents(self) -> None:
        # Closing an inherited connection would say goodbye on the parent's socket, and so would
        # dropping it say a warning; the lock may have been held when the parent forked.
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
