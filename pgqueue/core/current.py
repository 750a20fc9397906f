"""The job that runs here: what a task may ask of it, and what may be raised to end it.

The worker makes a JobContext for each attempt, enters it around the task's call, and gives it
the host that acts; nothing here does I/O.
"""

import logging
from collections.abc import Mapping, MutableMapping, Sequence
from contextvars import ContextVar, Token
from typing import Any, Final, Protocol

from pgqueue.core.duration import YEAR_SECONDS, Duration, seconds
from pgqueue.core.errors import InvalidOption, NoCurrentJob
from pgqueue.core.values.clean_text import clean_text
from pgqueue.core.values.introspect import plain_text
from pgqueue.core.values.redaction import SECRET_BYTES_MAX, without

PROGRESS_BYTES_MAX: Final = 1_000
"""Limit of the text beside a report of progress."""


class RetryJob(Exception):
    """Raised by a task to fail this attempt, and to be tried again after a delay of its choice.

    Charged like any failure, so the task's `retry` must allow another attempt: without one,
    `max_attempts` is 1. `raise RetryJob(delay=5) from error` keeps the cause.

    Args:
        delay: Seconds or a timedelta; None for the wait of the retry policy.
    """

    # For a subclass that never calls this __init__.
    reason = ""
    delay: float | None = None

    def __init__(self, reason: str = "", *, delay: Duration | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.delay = None if delay is None else seconds("delay", delay, maximum=YEAR_SECONDS)

    def __str__(self) -> str:
        return self.reason or "the task asked for another attempt"


class SnoozeJob(Exception):
    """Raised by a task to be run again after a delay, without being charged.

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
    """Raised into a task whose time is over.

    A BaseException, so that `except Exception` in the task does not swallow it.
    """


class JobCancelled(BaseException):
    """Raised into a task whose job was cancelled while it ran."""


class JobInterrupted(BaseException):
    """Raised into a task whose worker has to stop; the job is queued again, uncharged."""


class Host(Protocol):
    """What runs an attempt, as its context reaches it."""

    def progress(self, fraction: float, message: str) -> None:
        """Take how far it is; return at once."""

    def should_stop(self) -> bool:
        """Tell whether it was asked to end."""

    def complete(self, connection: object, result: object) -> None:
        """Settle it as succeeded on the caller's connection, or raise LeaseLost."""

    async def acomplete(self, connection: object, result: object) -> None:
        """Settle it: the asyncio twin of `complete`."""


class JobContext:
    """The running job, as its task sees it.

    Args:
        args: The decoded arguments by parameter name; the task gets these very values.
        host: What runs it; a report of progress may be dropped there for a later one.
        secrets: Texts that may leave in none of its messages.
    """

    __slots__ = (
        "_host",
        "_log",
        "_secrets",
        "args",
        "attempt",
        "id",
        "task",
    )

    def __init__(
        self,
        *,
        id: int,
        attempt: int,
        task: str,
        args: Mapping[str, Any],
        host: Host,
        secrets: Sequence[str] = (),
    ) -> None:
        self.id = id
        self.attempt = attempt
        self.task = task
        self.args = args
        self._host = host
        self._secrets = secrets
        self._log: JobLog | None = None

    @property
    def log(self) -> "JobLog":
        """A logger whose lines land in the job's log and carry its id, attempt and task."""
        if self._log is None:
            self._log = JobLog(self.id, self.attempt, self.task)
        return self._log

    def progress(self, fraction: float, message: str = "") -> None:
        """Tell how far the job is; it becomes visible soon, and only the latest report counts.

        Args:
            fraction: 0 to 1.
            message: Kept up to 1,000 bytes; what cannot be stored in it is replaced by U+FFFD.

        Raises:
            InvalidOption: The fraction is no number from 0 to 1, or the message is no text.
        """
        number = _number(fraction)
        if number is None or not 0 <= number <= 1:
            raise InvalidOption("fraction", fraction, "it takes 0 to 1.")
        text = plain_text(message, PROGRESS_BYTES_MAX + SECRET_BYTES_MAX)
        if text is None:
            raise InvalidOption("message", message, "it takes text.")
        self._host.progress(number, clean_text(self.censored(text), PROGRESS_BYTES_MAX))

    def should_stop(self) -> bool:
        """Tell whether the job was cancelled, is out of time, or its worker has to stop.

        Cheap, for a loop to ask at each turn and then return or raise early.
        """
        return self._host.should_stop()

    def complete(self, *, connection: object, result: object = None) -> None:
        """Settle this job as succeeded in the caller's transaction.

        The task's own writes and the success commit together. What the task does or returns
        afterwards changes nothing more.

        Args:
            connection: What `.using(connection=...)` takes; never committed here.

        Raises:
            LeaseLost: The attempt was given to another worker; roll back.
            UnstorableValue: The result cannot be stored.
            ResultTooLarge: It exceeds `result_bytes_max`.
            JobTimeout, JobCancelled, JobInterrupted: Raised into this task before; roll back.
        """
        self._host.complete(connection, result)

    async def acomplete(self, *, connection: object, result: object = None) -> None:
        """Settle this job in the caller's transaction: the asyncio twin of `complete`."""
        await self._host.acomplete(connection, result)

    def censored(self, text: str) -> str:
        """Return text about this job, without what its task redacts."""
        return without(text, self._secrets)

    def __repr__(self) -> str:
        return f"<JobContext {self.id} attempt {self.attempt} {self.task}>"


class JobLog(logging.LoggerAdapter[logging.Logger]):
    """The logger `pgqueue.job`, whose records carry the job."""

    def __init__(self, job_id: int, attempt: int, task: str) -> None:
        super().__init__(_LOGGER, {"job_id": job_id, "attempt": attempt, "task": task})
        self._job_fields = {"job_id": job_id, "attempt": attempt, "task": task}

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the job's fields to the caller's `extra`, which wins where both name one."""
        kwargs["extra"] = {**self._job_fields, **(kwargs.get("extra") or {})}
        return msg, kwargs


# Threads that a task starts do not inherit it: context variables belong to their thread.
_CURRENT: Final[ContextVar[JobContext | None]] = ContextVar("pgqueue_current_job", default=None)

_LOGGER: Final = logging.getLogger("pgqueue.job")


def current_job() -> JobContext:
    """Return the job that runs here.

    Raises:
        NoCurrentJob: No job runs here.
    """
    context = _CURRENT.get()
    if context is None:
        raise NoCurrentJob
    return context


def find_current_job() -> JobContext | None:
    """Return the job that runs here, or None: for what is called inside tasks and outside."""
    return _CURRENT.get()


def censored(text: str) -> str:
    """Return text without what the task of the job that runs here redacts, if one runs here."""
    context = find_current_job()
    return text if context is None else context.censored(text)


def enter(context: JobContext) -> Token[JobContext | None]:
    """Make a job the current one, until `leave` is given the token."""
    return _CURRENT.set(context)


def leave(token: Token[JobContext | None]) -> None:
    """Undo an `enter`, in the same thread, greenlet or coroutine."""
    _CURRENT.reset(token)


def _number(value: object) -> float | None:
    if not issubclass(type(value), (int, float)):
        return None
    try:
        return float(value)  # type: ignore[arg-type]
    except (OverflowError, ValueError):
        return None
