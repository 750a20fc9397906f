"""Interrupts the jobs of a worker whose lease nobody renews, and ends a worker that goes on.

The supervisor renews the lease, and writes on the scoreboard until when jobs may run. It may be
cut off from the database, or frozen. So the worker itself watches that time, on a thread of the
operating system: a greenlet would wait for a task that never yields.
"""

import os
import sys
from collections.abc import Callable
from typing import Any

from pgqueue.core.clock import MONOTONIC, Clock
from pgqueue.core.lease_limits import lease_limits
from pgqueue.process.scoreboard import Scoreboard
from pgqueue.process.sessions import end_session

# Between two tries to interrupt what runs. A task that swallows the error gets it again later.
_REPEAT_SECONDS = 0.05

# While nothing runs, and the lease is over.
_IDLE_SECONDS = 0.5


class LeaseWatch:
    """Watches the lease of this process's worker.

    Args:
        lease_seconds: The lease of all workers.
        raise_alarm: Lets `Interrupts` raise JobInterrupted in what runs; from another thread.
        end: Ends the process at once.
    """

    def __init__(
        self,
        scoreboard: Scoreboard,
        *,
        lease_seconds: float,
        raise_alarm: Callable[[], None],
        end: Callable[[], object] | None = None,
        clock: Clock = MONOTONIC,
    ) -> None:
        self._scoreboard = scoreboard
        self._exit_seconds = lease_limits(lease_seconds).exit_seconds
        self._raise_alarm = raise_alarm
        self._end = end or _end
        self._clock = clock

    def start(self) -> None:
        """Watch on a thread from now on."""
        _original("_thread", "start_new_thread")(self._run, ())

    def check(self) -> float:
        """Interrupt or end what may not run; returns the seconds until the next check."""
        seconds_left = self._scoreboard.interrupt_at - self._clock.monotonic()
        if seconds_left > 0:
            return max(_REPEAT_SECONDS, min(seconds_left, 1.0))
        if not self._scoreboard.has_running:
            return _IDLE_SECONDS
        if -seconds_left >= self._exit_seconds:
            self._end()
        self._raise_alarm()
        return _REPEAT_SECONDS

    def _run(self) -> None:
        sleep = _original("time", "sleep")
        while True:
            sleep(self.check())


def _end() -> None:
    # A supervisor that is cut off or frozen ends no program that a task has started.
    try:
        end_session(os.getpid())
    finally:
        os._exit(1)


def _original(module: str, name: str) -> Any:
    # Under gevent the standard library's thread is a greenlet, and gevent is imported already.
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None:
        return monkey.get_original(module, name)
    return getattr(sys.modules[module], name)
