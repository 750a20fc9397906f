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
from pgqueue.worker.in_flight import ActiveAttempt, InFlight

_SECONDS_MIN = 0.001

# How soon a task that is between two of its own lines is looked at again.
_SOON_SECONDS = 0.05


class Reach(Protocol):
    """How an executor gets at its tasks."""

    def current(self) -> ActiveAttempt | None:
        """The attempt whose code the main thread runs right now."""

    def throw(self, attempt: ActiveAttempt, error: BaseException) -> None:
        """Raise *error* where an attempt waits; nothing if it no longer does."""


class Interrupts:
    """Watches deadlines and passes on what is asked from outside; made on the main thread.

    Args:
        again_seconds: A task may swallow what was raised into it (a bare except); it is told
            again after this, which is also how long its clean-up is left in peace.
    """

    def __init__(self, in_flight: InFlight, reach: Reach, *, again_seconds: float) -> None:
        self._in_flight = in_flight
        self._reach = reach
        self._again_seconds = again_seconds
        self._armed_for = float("inf")
        self._asked = deque[tuple[ActiveAttempt, Callable[[], BaseException]]]()

    def install(self) -> None:
        """Take the interval timer's signal."""
        signal.signal(signal.SIGALRM, self._on_alarm)

    def watch(self, attempt: ActiveAttempt) -> None:
        """Raise JobTimeout in it at its deadline, if it has one."""
        # The timer is left as it is when the job that it was set for ends: the alarm looks at
        # what runs then. So a short job costs one comparison.
        if attempt.deadline is not None and attempt.deadline < self._armed_for:
            self._arm(attempt.deadline)

    def ask(self, attempt: ActiveAttempt, make_error: Callable[[], BaseException]) -> None:
        """Raise what *make_error* makes in it now; safe on any thread."""
        self._asked.append((attempt, make_error))
        os.kill(os.getpid(), signal.SIGALRM)

    def may_ask(self, attempt: ActiveAttempt) -> bool:
        """Whether nothing was raised in it lately."""
        return (
            attempt.raised_at is None or time.monotonic() - attempt.raised_at >= self._again_seconds
        )

    def _arm(self, at: float) -> None:
        self._armed_for = at
        signal.setitimer(signal.ITIMER_REAL, max(_SECONDS_MIN, at - time.monotonic()))

    def _on_alarm(self, signum: int, frame: FrameType | None) -> None:
        guilty: BaseException | None = None
        for attempt, error in (*self._asked_for(), *self._overdue()):
            attempt.raised_at = time.monotonic()
            if attempt.raised is None:
                attempt.raised = error
                attempt.stack = _stack(attempt, frame)
            if attempt is self._reach.current():
                guilty = error
            else:
                self._reach.throw(attempt, error)
        if guilty is not None:
            raise guilty

    def _asked_for(self) -> list[tuple[ActiveAttempt, BaseException]]:
        asked = []
        while self._asked:
            attempt, make_error = self._asked.popleft()
            if attempt.is_interruptible:
                asked.append((attempt, make_error()))
        return asked

    def _overdue(self) -> list[tuple[ActiveAttempt, BaseException]]:
        now = time.monotonic()
        overdue: list[tuple[ActiveAttempt, BaseException]] = []
        next_at = float("inf")
        for attempt in self._in_flight.all():
            if attempt.deadline is None or attempt.has_ended:
                continue
            if attempt.deadline <= now:
                if attempt.is_interruptible:
                    overdue.append((attempt, _timeout(attempt)))
                    attempt.deadline = now + self._again_seconds
                else:
                    attempt.deadline = now + _SOON_SECONDS
            next_at = min(next_at, attempt.deadline)
        self._armed_for = float("inf")
        if next_at != self._armed_for:
            self._arm(next_at)
        return overdue


def _stack(attempt: ActiveAttempt, frame: FrameType | None) -> str:
    waiting = getattr(attempt.runner, "gr_frame", None)
    return "".join(traceback.format_stack(waiting or frame))


def _timeout(attempt: ActiveAttempt) -> JobTimeout:
    return JobTimeout(f"The job ran past its timeout of {attempt.claimed.timeout_seconds:g} s.")
