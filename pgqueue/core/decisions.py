"""Exceptions that a task raises to decide its outcome, and exceptions that are raised into a task.

No error of pgqueue: they are not part of the tree in `core.errors`.
"""

from pgqueue.core.duration import YEAR_SECONDS, Duration, seconds


class RetryJob(Exception):
    """Raised by a task to fail this attempt, and to be tried again after a delay of its choice.

    The attempt counts like any failure, so the task's `retry` must allow another one. Without a
    `retry`, `max_attempts` is 1. `raise RetryJob(delay=5) from error` keeps the cause.

    Args:
        delay: Seconds or a timedelta; None for the wait of the retry policy.
    """

    # For a subclass that does not call this __init__.
    reason = ""
    delay: float | None = None

    def __init__(self, reason: str = "", *, delay: Duration | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.delay = None if delay is None else seconds("delay", delay, maximum=YEAR_SECONDS)

    def __str__(self) -> str:
        return self.reason or "the task raised RetryJob without a reason"


class SnoozeJob(Exception):
    """Raised by a task to be run again after a delay; the attempt does not count.

    Args:
        delay: Seconds or a timedelta.
    """

    reason = ""
    delay = 0.0

    def __init__(self, delay: Duration, *, reason: str = "") -> None:
        super().__init__(delay, reason)
        self.reason = reason
        self.delay = seconds("delay", delay, maximum=YEAR_SECONDS)

    def __str__(self) -> str:
        return self.reason


class CancelJob(Exception):
    """Raised by a task to end its job as cancelled."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class JobTimeout(BaseException):
    """Raised into a task whose timeout has passed.

    A BaseException, so that `except Exception` in the task does not catch it.
    """


class JobCancelled(BaseException):
    """Raised into a task whose job was cancelled while it ran."""


class JobInterrupted(BaseException):
    """Raised into a task whose worker has to stop; the attempt does not count."""
