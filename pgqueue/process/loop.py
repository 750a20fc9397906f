"""One action, repeated on a thread and a connection of its own.

Every long-running part of a supervisor and of a worker is a `Loop`. It opens the connection and
takes turns. After an error it drops the connection and tries again, for ever, with jittered pauses.
A subclass says only what one turn does. Under gevent a loop is a greenlet.
"""

import threading
from collections.abc import Callable, Mapping
from math import inf

from pgqueue.core.backoff import backoff_seconds
from pgqueue.core.errors import PgqueueError, SchemaTooNew
from pgqueue.core.events.event import emit
from pgqueue.core.events.services import ConnectionLost, DatabaseFailed, LoopFailed, LoopResumed
from pgqueue.store import schema_version
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.connection.session import GENERIC_PLANS
from pgqueue.store.database_errors import TRANSIENT_ERRORS


class Loop:
    """Takes turns until it is stopped; subclasses define `turn`.

    `start`, `wake` and `stop` may be called on any thread. Everything else runs on the loop's
    thread, or in a test on the caller's.

    Args:
        name: The thread's name, and the connection's in pg_stat_activity.

    Attributes:
        on_schema_too_new: Called on the loop's thread when the schema no longer supports this
            release.
    """

    needs_schema = True
    """Whether the loop stops where the schema no longer supports this release. The loops that keep
    and end running jobs do not: these jobs started while the schema did."""

    settings: Mapping[str, str] = GENERIC_PLANS
    """The settings of its sessions, beside the ones that every session of pgqueue has."""

    def __init__(self, name: str, database: Database) -> None:
        self.name = name
        self.on_schema_too_new: Callable[[SchemaTooNew], object] = lambda error: None
        self.database = database
        self._link: Link | None = None
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._failures = 0

    @property
    def ping_after_idle_seconds(self) -> float:
        """How long after an answer a turn starts without a ping of the connection."""
        return 0.5

    @property
    def pause_seconds_max(self) -> float:
        """The longest pause after a failure; by default the pauses grow to 10 s."""
        return inf

    def turn(self, link: Link) -> float:
        """Take one turn; return the seconds until the next one, unless `wake` is called before."""
        raise NotImplementedError

    def run_once(self) -> float:
        """Take one turn now, on the caller's thread: how tests drive a loop."""
        return self.turn(self.whole_link())

    def whole_link(self) -> Link:
        """The loop's connection; a new one if the old one broke while it was idle."""
        if self._link is not None and not self._link.is_alive(self.ping_after_idle_seconds):
            emit(ConnectionLost(loop=self.name))
            self.close()
        if self._link is None:
            self._link = self.database.open(f"pgqueue {self.name}", self.settings)
            if self.needs_schema:
                # The database may have been migrated while this loop was not connected.
                schema_version.check(self._link)
            self.opened(self._link)
        return self._link

    def opened(self, link: Link) -> None:
        """Prepare a new connection; most loops have nothing to prepare."""

    def start(self) -> None:
        """Start to take turns, on a thread."""
        self._thread.start()

    def wake(self) -> None:
        """Take the next turn at once."""
        self._woken.set()

    @property
    def is_stopping(self) -> bool:
        """Whether this turn is the last one."""
        return self._stopping.is_set()

    def stop(self, timeout: float | None = 5.0) -> None:
        """Let the current turn be the last one, and wait at most *timeout* seconds for its end."""
        self._stopping.set()
        self.wake()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def close(self) -> None:
        """Close the connection; the next turn opens a new one."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def abandon(self) -> None:
        """Drop the connection without a word to the server: a fork does not own it."""
        if self._link is not None:
            self._link.abandon()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            pause = self._pause_after_turn()
            if pause > 0:
                self._woken.wait(pause)
        self.close()

    def _pause_after_turn(self) -> float:
        # A loop that ended would leave a worker that is alive and does nothing. So the loop goes
        # on after any error, also of what handles an error.
        try:
            pause = self.run_once()
            if self._failures:
                emit(LoopResumed(loop=self.name, failures=self._failures))
            self._failures = 0
        except BaseException as error:
            try:
                return self._after(error)
            except BaseException:
                return backoff_seconds(max(1, self._failures))
        return pause

    def _after(self, error: BaseException) -> float:
        # The connection may be in any state, so a new one is opened.
        self.close()
        if isinstance(error, SchemaTooNew):
            self.on_schema_too_new(error)
        self._failures += 1
        pause = min(self.pause_seconds_max, backoff_seconds(self._failures))
        shown_pause = round(pause, 2)
        if isinstance(error, (*TRANSIENT_ERRORS, PgqueueError)):
            reason = str(error).strip().partition("\n")[0]
            emit(
                DatabaseFailed(
                    loop=self.name,
                    failures=self._failures,
                    pause_seconds=shown_pause,
                    reason=reason,
                )
            )
        else:
            emit(
                LoopFailed(
                    loop=self.name,
                    failures=self._failures,
                    pause_seconds=shown_pause,
                    error=error,
                )
            )
        return pause
