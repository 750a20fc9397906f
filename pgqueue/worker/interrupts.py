"""Raises JobTimeout, JobCancelled and JobInterrupted inside one task and in no other.

A timer watches the deadlines. Python handles its signal on the main thread between two
bytecodes, so that it breaks a pure-Python loop that never yields, too. The handler raises only
when the code that it interrupted is the overdue task's own. A task that waits gets the error
where it waits.
"""

import os
import traceback
from collections import deque
from collections.abc import Callable
from functools import partial
from math import inf
from types import FrameType

from pgqueue.core.clock import MONOTONIC, Clock, Timer
from pgqueue.core.decisions import JobInterrupted, JobTimeout
from pgqueue.store.claims import AttemptKey
from pgqueue.worker import forks
from pgqueue.worker.active_attempt import ActiveAttempt
from pgqueue.worker.alarm import Alarm
from pgqueue.worker.executors import Executor
from pgqueue.worker.in_flight import InFlight

_SECONDS_MIN = 0.001

# The wait before another try on a task that is between two of its own lines.
_RETRY_SECONDS = 0.05


class Interrupts:
    """Watches deadlines, and raises what is requested from outside; made on the main thread.

    Args:
        repeat_seconds: A task may swallow the error that was raised into it (a bare except).
            The error is raised again after this time, so that a clean-up has this long.

    Attributes:
        _alarm: Sends the signal. Main thread.
        _next: Due when the alarm is. Main thread.
        _requests: Errors to raise. Any thread appends, the main thread removes.
    """

    def __init__(
        self, in_flight: InFlight, *, repeat_seconds: float, clock: Clock = MONOTONIC
    ) -> None:
        self._in_flight = in_flight
        self._repeat_seconds = repeat_seconds
        self._clock = clock
        self._alarm = Alarm()
        self._next = Timer(clock, seconds=inf)
        self._executor: Executor | None = None
        self._requests = deque[tuple[ActiveAttempt, Callable[[], BaseException]]]()

    def install(self, executor: Executor) -> None:
        """Handle the alarm's signal for the tasks of this executor."""
        self._executor = executor
        forks.handle_signal(self._alarm.signal, self._on_alarm)

    def watch(self, attempt: ActiveAttempt) -> None:
        """Raise JobTimeout in the attempt at its deadline, if it has one."""
        # The timer goes on when the job that it was set for ends; the alarm then checks the
        # jobs that run. So a short job costs one comparison.
        if attempt.deadline is not None and attempt.deadline < self._next.due_at:
            self._set_alarm(attempt.deadline)

    def request(self, attempt: ActiveAttempt, make_error: Callable[[], BaseException]) -> None:
        """Raise what *make_error* makes in the attempt now; safe on any thread."""
        self._requests.append((attempt, make_error))
        self.raise_alarm()

    def raise_alarm(self) -> None:
        """Check all attempts on the main thread now; safe on any thread."""
        os.kill(os.getpid(), self._alarm.signal)

    def may_request(self, attempt: ActiveAttempt) -> bool:
        """Whether no error was raised in the attempt lately."""
        interruption = attempt.interruption
        return (
            interruption is None
            or self._clock.monotonic() - interruption.raised_at >= self._repeat_seconds
        )

    def _set_alarm(self, at: float) -> None:
        self._next.due_at = at
        self._alarm.set(max(_SECONDS_MIN, self._next.seconds_left))

    def _on_alarm(self, signum: int, frame: FrameType | None) -> None:
        executor = self._executor
        assert executor is not None
        own_error: BaseException | None = None
        errors: dict[AttemptKey, tuple[ActiveAttempt, BaseException]] = {}
        for attempt, error in (*self._requested(), *self._overdue(), *self._without_lease()):
            # A second error would be raised in the clean-up after the first one.
            errors.setdefault(attempt.key, (attempt, error))
        for attempt, error in errors.values():
            where = executor.frame_of(attempt) or frame
            attempt.interrupt(error, self._clock.monotonic(), partial(_stack, where))
            if attempt is executor.current():
                own_error = error
            else:
                executor.throw(attempt, error)
        if own_error is not None:
            raise own_error

    def _requested(self) -> list[tuple[ActiveAttempt, BaseException]]:
        requested = []
        while self._requests:
            attempt, make_error = self._requests.popleft()
            if attempt.is_interruptible:
                requested.append((attempt, make_error()))
        return requested

    def _without_lease(self) -> list[tuple[ActiveAttempt, BaseException]]:
        if not self._in_flight.is_lease_over:
            return []
        return [
            (attempt, JobInterrupted("The lease of the job's worker could not be renewed."))
            for attempt in self._in_flight.all()
            if attempt.is_interruptible and self.may_request(attempt)
        ]

    def _overdue(self) -> list[tuple[ActiveAttempt, BaseException]]:
        now = self._clock.monotonic()
        overdue: list[tuple[ActiveAttempt, BaseException]] = []
        next_at = inf
        for attempt in self._in_flight.all():
            if attempt.deadline is None or attempt.has_ended:
                continue
            if attempt.deadline <= now:
                if attempt.is_interruptible:
                    overdue.append((attempt, _timeout(attempt)))
                    attempt.deadline = now + self._repeat_seconds
                else:
                    attempt.deadline = now + _RETRY_SECONDS
            next_at = min(next_at, attempt.deadline)
        self._next.stop()
        if next_at < inf:
            self._set_alarm(next_at)
        return overdue


def _stack(frame: FrameType | None) -> str:
    return "".join(traceback.format_stack(frame))


def _timeout(attempt: ActiveAttempt) -> JobTimeout:
    return JobTimeout(f"The job ran past its timeout of {attempt.claimed.timeout_seconds:g} s.")
