"""Monotonic time and timers: every wait of a supervisor and of a worker is a `Timer` on a `Clock`.

The clock is an argument, so that a test sets it instead of waiting. It measures durations on one
host; moments that are stored come from PostgreSQL's clock.
"""

import time
from math import inf
from typing import Final


class Clock:
    """The host's monotonic clock, in seconds since an unknown start."""

    # The function itself: each job reads the clock several times.
    monotonic = staticmethod(time.monotonic)


MONOTONIC: Final = Clock()
"""The clock of every timer that is made without one."""


class Timer:
    """A time at which something is due; a timer that is stopped is never due.

    Args:
        seconds: From now until it is due the first time; `inf` leaves it stopped.
    """

    __slots__ = ("_clock", "due_at")

    def __init__(self, clock: Clock = MONOTONIC, *, seconds: float = 0.0) -> None:
        self._clock = clock
        self.due_at = clock.monotonic() + seconds

    @property
    def is_due(self) -> bool:
        """Whether it is due now."""
        return self._clock.monotonic() >= self.due_at

    @property
    def is_running(self) -> bool:
        """Whether it is due, or will be."""
        return self.due_at < inf

    @property
    def seconds_left(self) -> float:
        """The seconds until it is due: 0 when it is due, `inf` when it is stopped."""
        return max(0.0, self.due_at - self._clock.monotonic())

    def start(self, seconds: float) -> None:
        """Be due in *seconds* from now, in place of any earlier time."""
        self.due_at = self._clock.monotonic() + seconds

    def bring_forward(self, seconds: float) -> None:
        """Be due in *seconds* from now, unless it is due earlier."""
        self.due_at = min(self.due_at, self._clock.monotonic() + seconds)

    def expire(self) -> None:
        """Be due now."""
        self.due_at = -inf

    def stop(self) -> None:
        """Be never due, until it is started again."""
        self.due_at = inf


class Stopwatch:
    """The seconds since something happened last; `inf` until it happens the first time."""

    __slots__ = ("_clock", "started_at")

    def __init__(self, clock: Clock = MONOTONIC, *, started: bool = False) -> None:
        self._clock = clock
        self.started_at = clock.monotonic() if started else -inf

    @property
    def seconds(self) -> float:
        """The seconds since `restart`."""
        return self._clock.monotonic() - self.started_at

    def restart(self) -> None:
        """Start at 0 now."""
        self.started_at = self._clock.monotonic()

    def reset(self) -> None:
        """Count `inf` again, as before the first `restart`."""
        self.started_at = -inf
