"""One thing done again and again, on a thread and a connection of its own.

The frame of every long-running part of a supervisor and of a worker: it opens the connection,
takes turns, and after an error drops the connection and tries again, for ever, with jittered
pauses. A part says only what one turn does. Under gevent a loop is a greenlet.
"""

import logging
import random
import threading
from collections.abc import Callable, Mapping

from pgqueue.core.errors import PgqueueError, SchemaTooNew
from pgqueue.store import schema_version
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.connection.session import GENERIC_PLANS
from pgqueue.store.database_errors import TRANSIENT_ERRORS

_log = logging.getLogger("pgqueue.loop")

_PAUSE_SECONDS = 0.1
_PAUSE_SECONDS_MAX = 10.0


def pause_after(failures: int) -> float:
    """Seconds to wait after so many failures in a row, jittered; 10 at most."""
    pause = min(_PAUSE_SECONDS_MAX, _PAUSE_SECONDS * 2.0 ** min(failures, 10))
    return pause * random.uniform(0.5, 1.0)


class Loop:
    """Takes turns until it is stopped; subclasses define `turn`.

    Args:
        name: The thread's name, and the connection's in pg_stat_activity.

    Attributes:
        on_outgrown: Told, on the loop's thread, when the schema serves this release no more.
    """

    needs_schema = True
    """Whether it stops where the schema serves this release no more. What keeps and ends the jobs
    that run does not: they began while it did."""

    settings: Mapping[str, str] = GENERIC_PLANS
    """What its sessions have beside the settings of all of ours."""

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
        """How long after an answer a turn begins without asking whether the connection is whole."""
        return 0.5

    def turn(self, link: Link) -> float:
        """Do it once; return the seconds until the next turn, unless poked before."""
        raise NotImplementedError

    def run_once(self) -> float:
        """Take one turn now, on the caller's thread: how tests drive a loop."""
        return self.turn(self.whole_link())

    def whole_link(self) -> Link:
        """Our connection; another one if it broke, or fell silent, while nothing was asked."""
        if self._link is not None and not self._link.is_alive(self.ping_after_idle_seconds):
            _log.warning("connection lost while idle", extra={"loop": self.name})
            self.close()
        if self._link is None:
            self._link = self.database.open(f"pgqueue {self.name}", self.settings)
            if self.needs_schema:
                # Somebody may have migrated the database while we were away from it.
                schema_version.check(self._link)
            self.opened(self._link)
        return self._link

    def opened(self, link: Link) -> None:
        """Prepare a new connection; nothing to do for most."""

    def start(self) -> None:
        """Begin to take turns on a thread."""
        self._thread.start()

    def wake(self) -> None:
        """Take the next turn at once."""
        self._woken.set()

    @property
    def is_stopping(self) -> bool:
        """Whether this turn is the last."""
        return self._stopping.is_set()

    def stop(self, timeout: float | None = 5.0) -> None:
        """Let the turn under way be the last, and wait for its end at most *timeout* seconds."""
        self._stopping.set()
        self.wake()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def close(self) -> None:
        """Drop the connection; the next turn opens another."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            try:
                pause = self.run_once()
                if self._failures:
                    _log.info("goes on", extra={"loop": self.name, "failures": self._failures})
                self._failures = 0
            except BaseException as error:
                pause = self._after(error)
            if pause > 0:
                self._woken.wait(pause)
        self.close()

    def _after(self, error: BaseException) -> float:
        # Whatever went wrong, a loop that ended would leave a worker alive and doing nothing,
        # so it always goes on; the connection may be in any state and is not trusted again.
        self.close()
        if isinstance(error, SchemaTooNew):
            self.on_schema_too_new(error)
        self._failures += 1
        pause = pause_after(self._failures)
        facts = {"loop": self.name, "failures": self._failures, "pause_seconds": round(pause, 2)}
        if isinstance(error, (*TRANSIENT_ERRORS, PgqueueError)):
            reason = str(error).strip().partition("\n")[0]
            _log.warning("database failed, trying again", extra={**facts, "reason": reason})
        else:
            _log.exception("turn failed, trying again", extra=facts)
        return pause
