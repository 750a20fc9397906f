"""Raises JobTimeout, JobCancelled and JobInterrupted inside the one task they are meant for.

Deadlines are watched with an interval timer, whose signal Python handles on the main thread
between two bytecodes: it breaks a pure-Python loop that never yields, too. The handler raises
only when the code it interrupted is the overdue task's own; a task that waits gets the error
where it waits. Tasks must leave SIGALRM alone.
"""

import os
import signal
import time
import traceback
from collections import deque
from collections.abc import Callable
from types import FrameType
from typing import Protocol

from pgqueue.core.current import JobTimeout
from pgqueue.worker.running import Held, Running

_SECONDS_MIN = 0.001

# How soon a task that is between two of its own lines is looked at again.
_SOON_SECONDS = 0.05


class Reach(Protocol):
    """How an executor gets at its tasks."""

    def current(self) -> Held | None:
        """The attempt whose code the main thread runs right now."""

    def throw(self, held: Held, error: BaseException) -> None:
        """Raise *error* where an attempt waits; nothing if it no longer does."""


class Interrupts:
    """Watches deadlines and passes on what is asked from outside; made on the main thread.

    Args:
        again_seconds: A task may swallow what was raised into it (a bare except); it is told
            again after this, which is also how long its clean-up is left in peace.
    """

    def __init__(self, running: Running, reach: Reach, *, again_seconds: float) -> None:
        self._running = running
        self._reach = reach
        self._again_seconds = again_seconds
        self._armed_for = float("inf")
        self._asked = deque[tuple[Held, Callable[[], BaseException]]]()

    def install(self) -> None:
        """Take the interval timer's signal."""
        signal.signal(signal.SIGALRM, self._on_alarm)

    def watch(self, held: Held) -> None:
        """Raise JobTimeout in it at its deadline, if it has one."""
        # The timer is left as it is when the job that it was set for ends: the alarm looks at
        # what runs then. So a short job costs one comparison.
        if held.deadline is not None and held.deadline < self._armed_for:
            self._arm(held.deadline)

    def ask(self, held: Held, make_error: Callable[[], BaseException]) -> None:
        """Raise what *make_error* makes in it now; safe on any thread."""
        self._asked.append((held, make_error))
        os.kill(os.getpid(), signal.SIGALRM)

    def may_ask(self, held: Held) -> bool:
        """Whether nothing was raised in it lately."""
        return held.raised_at is None or time.monotonic() - held.raised_at >= self._again_seconds

    def _arm(self, at: float) -> None:
        self._armed_for = at
        signal.setitimer(signal.ITIMER_REAL, max(_SECONDS_MIN, at - time.monotonic()))

    def _on_alarm(self, signum: int, frame: FrameType | None) -> None:
        guilty: BaseException | None = None
        for held, error in (*self._asked_for(), *self._overdue()):
            held.raised_at = time.monotonic()
            if held.raised is None:
                held.raised = error
                held.stack = _stack(held, frame)
            if held is self._reach.current():
                guilty = error
            else:
                self._reach.throw(held, error)
        if guilty is not None:
            raise guilty

    def _asked_for(self) -> list[tuple[Held, BaseException]]:
        asked = []
        while self._asked:
            held, make_error = self._asked.popleft()
            if held.is_exposed:
                asked.append((held, make_error()))
        return asked

    def _overdue(self) -> list[tuple[Held, BaseException]]:
        now = time.monotonic()
        overdue: list[tuple[Held, BaseException]] = []
        next_at = float("inf")
        for held in self._running.all():
            if held.deadline is None or held.has_ended:
                continue
            if held.deadline <= now:
                if held.is_exposed:
                    overdue.append((held, _timeout(held)))
                    held.deadline = now + self._again_seconds
                else:
                    held.deadline = now + _SOON_SECONDS
            next_at = min(next_at, held.deadline)
        self._armed_for = float("inf")
        if next_at != self._armed_for:
            self._arm(next_at)
        return overdue


def _stack(held: Held, frame: FrameType | None) -> str:
    waiting = getattr(held.runner, "gr_frame", None)
    return "".join(traceback.format_stack(waiting or frame))


def _timeout(held: Held) -> JobTimeout:
    return JobTimeout(f"The job ran past its timeout of {held.claimed.timeout_seconds:g} s.")
