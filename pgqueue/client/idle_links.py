"""A few idle connections of a client's own, so that a verb need not open one each time.

Threads and greenlets may share them. A forked child starts without a connection and never uses
its parent's. A connection that is known to be broken is never lent.
"""

import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

from pgqueue.core.clock import Timer
from pgqueue.core.errors import ConnectionsInUse, DatabaseUnreachable, ReplyLost
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.connection.presence import SCHEMA_ERRORS, raise_if_mismatched
from pgqueue.store.database_errors import CONNECTION_ERRORS, READ_ONLY_ERRORS

IDLE_MAX = 4

CONNECTIONS_MAX = 10
"""Links that may be borrowed at once: a worker with hundreds of slots shares them."""

WAIT_SECONDS_MAX = 30.0
"""How long a borrower waits for one of them."""

# A connection that was idle for longer gets a ping before a statement is sent on it.
_PING_AFTER_IDLE_SECONDS = 5.0

# A slot whose borrower was ended by an error from outside is free without a notification.
_LOOK_AGAIN_SECONDS = 0.5


class _Slot:
    """The right of one thread or greenlet to one link; free when it is collected, too."""

    __slots__ = ("__weakref__", "owner")

    def __init__(self, owner: int) -> None:
        self.owner = owner


class IdleLinks:
    """Links to one database: borrowed for one statement or more, and kept afterwards.

    At most `connections_max` are borrowed at once; further borrowers wait. A borrower that borrows
    again at once gets a surplus link: it would wait for itself. Of the returned links `IDLE_MAX`
    are kept, and as many more as borrowers wait.

    Any thread may call every method; `_returned` guards all that changes.
    """

    def __init__(
        self,
        database: Database,
        *,
        connections_max: int = CONNECTIONS_MAX,
        wait_seconds_max: float = WAIT_SECONDS_MAX,
    ) -> None:
        self._database = database
        self._connections_max = connections_max
        self._wait_seconds_max = wait_seconds_max
        self._pid = os.getpid()
        self._returned = threading.Condition(threading.Lock())
        self._slots: weakref.WeakSet[_Slot] = weakref.WeakSet()
        self._waiting_count = 0
        self._idle: list[Link] = []
        self._inherited: list[Link] = []
        # At exit too: psycopg warns of connections that are never closed.
        self._finalizer = weakref.finalize(self, _close, self._idle)

    @contextmanager
    def borrow(self) -> Iterator[Link]:
        """A link that no other borrower has, for the length of a `with` block.

        Raises:
            DatabaseUnreachable: No server answers, or the server accepts no writes now.
            ConnectionsInUse: No link was returned in time.
            ReplyLost: The connection broke while it was used.
            SchemaMissing: The database has no tables of pgqueue.
            SchemaTooOld: It needs `pgqueue migrate`.
        """
        slot = self._take_slot()
        try:
            link = self._take() or self._database.open()
        except BaseException:
            self._release(slot)
            raise
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
            self._release(slot)

    def close(self) -> None:
        """Close the idle links; a borrowed link is returned as usual."""
        self._drop_parents_links()
        with self._returned:
            links = self._idle[:]
            self._idle.clear()
        _close(links)

    def _take_slot(self) -> _Slot:
        self._drop_parents_links()
        slot = _Slot(threading.get_ident())
        timer = Timer(seconds=self._wait_seconds_max)
        with self._returned:
            while not self._has_room(slot.owner):
                if timer.is_due:
                    raise ConnectionsInUse(self._connections_max, self._wait_seconds_max)
                self._waiting_count += 1
                try:
                    self._returned.wait(min(_LOOK_AGAIN_SECONDS, timer.seconds_left))
                finally:
                    self._waiting_count -= 1
            self._slots.add(slot)
        return slot

    def _has_room(self, owner: int) -> bool:
        return len(self._slots) < self._connections_max or any(
            slot.owner == owner for slot in self._slots
        )

    def _release(self, slot: _Slot) -> None:
        # In a forked child another thread of the parent may have locked it.
        if self._pid != os.getpid():
            return
        with self._returned:
            self._slots.discard(slot)
            self._returned.notify()

    def _take(self) -> Link | None:
        while True:
            with self._returned:
                if not self._idle:
                    return None
                link = self._idle.pop()
            if link.is_alive(_PING_AFTER_IDLE_SECONDS):
                return link
            link.close()

    def _return(self, link: Link) -> None:
        if link.is_usable and link.is_idle:
            with self._returned:
                if len(self._idle) < IDLE_MAX + self._waiting_count:
                    self._idle.append(link)
                    return
        _close([link])

    def _drop_parents_links(self) -> None:
        # Closing an inherited connection would end the parent's session, and dropping the last
        # reference to one warns. Another thread may have locked `_returned` when the parent forked.
        if self._pid == os.getpid():
            return
        self._returned = threading.Condition(threading.Lock())
        self._slots = weakref.WeakSet()
        self._waiting_count = 0
        self._inherited += self._idle
        self._idle.clear()
        self._pid = os.getpid()


def _close(links: list[Link]) -> None:
    for link in links:
        if link.pid == os.getpid():
            link.close()
