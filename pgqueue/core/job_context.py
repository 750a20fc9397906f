"""The running job, as its task sees it: `current_job()` and its verbs.

The worker makes a JobContext for each attempt and enters it around the task's call. The verbs call
the context's host, which does the I/O.
"""

import logging
from collections.abc import Mapping, MutableMapping, Sequence
from contextvars import ContextVar, Token
from typing import Any, Final, Protocol

from pgqueue.core.errors import InvalidOption, NoCurrentJob
from pgqueue.core.own_logger import own_logger
from pgqueue.core.values.clean_text import clean_text
from pgqueue.core.values.introspect import plain_text
from pgqueue.core.values.redaction import SECRET_BYTES_MAX, without

PROGRESS_BYTES_MAX: Final = 1_000
"""Limit of the message of a progress report."""


class Host(Protocol):
    """Runs an attempt; its context calls it."""

    def progress(self, fraction: float, message: str) -> None:
        """Store a progress report soon; return at once."""

    def should_stop(self) -> bool:
        """Return whether the attempt has to end."""

    def complete(self, connection: object, result: object) -> None:
        """Settle the attempt as succeeded on the caller's connection, or raise LeaseLost."""

    async def acomplete(self, connection: object, result: object) -> None:
        """Settle the attempt: the asyncio twin of `complete`."""


class JobContext:
    """The running job, as its task sees it.

    Args:
        args: The decoded arguments by parameter name; the task gets these values themselves.
        host: Runs the attempt; it may drop a progress report for a later one.
        secrets: Texts that no message of the job may show.
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
        """Report how far the job is; the latest report becomes visible soon.

        Args:
            fraction: 0 to 1.
            message: Up to 1,000 bytes are kept; U+FFFD replaces characters that cannot be stored.

        Raises:
            InvalidOption: The fraction is no number from 0 to 1, or the message is no text.
        """
        number = _number(fraction)
        if number is None or not 0 <= number <= 1:
            raise InvalidOption("fraction", fraction, "it takes 0 to 1.")
        text = plain_text(message, PROGRESS_BYTES_MAX + SECRET_BYTES_MAX)
        if text is None:
            raise InvalidOption("message", message, "it takes text.")
        self._host.progress(number, clean_text(self.redact(text), PROGRESS_BYTES_MAX))

    def should_stop(self) -> bool:
        """Return whether the job was cancelled, its timeout passed, or its worker has to stop.

        Cheap: a loop may call it at each turn, and return or raise early.
        """
        return self._host.should_stop()

    def complete(self, *, connection: object, result: object = None) -> None:
        """Settle this job as succeeded in the caller's transaction.

        The task's own writes and the success commit together. Nothing that the task does or
        returns afterwards changes the job.

        Args:
            connection: As for `.using(connection=...)`; it is not committed here.

        Raises:
            LeaseLost: The job belongs to another worker now; roll back.
            UnstorableValue: The result cannot be stored.
            ResultTooLarge: It exceeds `result_bytes_max`.
            JobTimeout, JobCancelled, JobInterrupted: Raised into this task before; roll back.
        """
        self._host.complete(connection, result)

    async def acomplete(self, *, connection: object, result: object = None) -> None:
        """Settle this job in the caller's transaction: the asyncio twin of `complete`."""
        await self._host.acomplete(connection, result)

    def redact(self, text: str) -> str:
        """Return text without the values that the job's task redacts."""
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


# A thread that a task starts has no current job: context variables belong to one thread.
_CURRENT: Final[ContextVar[JobContext | None]] = ContextVar("pgqueue_current_job", default=None)

_LOGGER: Final = own_logger("pgqueue.job")


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
    """Return the job that runs here, or None: for code that runs inside and outside of tasks."""
    return _CURRENT.get()


def find_current_host() -> Host | None:
    """Return the host of the job that runs here, or None."""
    context = _CURRENT.get()
    return None if context is None else context._host


def redact(text: str) -> str:
    """Return text without the values that the task of the running job redacts.

    Outside a job, return it as it is.
    """
    context = find_current_job()
    return text if context is None else context.redact(text)


def enter(context: JobContext) -> Token[JobContext | None]:
    """Make a job the current one, until `leave` takes the token that is returned."""
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
