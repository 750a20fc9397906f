"""What a task returned or raised, as the end of its attempt. Pure: no I/O, no waiting.

Says how an attempt ended, never what that means for the job: that is `settle.sql`.
"""

import traceback
from dataclasses import dataclass

from pgqueue.core.current import (
    CancelJob,
    JobCancelled,
    JobInterrupted,
    JobTimeout,
    RetryJob,
    SnoozeJob,
    censored,
)
from pgqueue.core.duration import YEAR_SECONDS, seconds
from pgqueue.core.errors import PgqueueError
from pgqueue.core.lifecycle import Outcome
from pgqueue.core.payload import encode_result
from pgqueue.core.sanitise import clean_text
from pgqueue.store.attempts import Ended
from pgqueue.worker.running import Held


@dataclass(frozen=True, slots=True)
class Limits:
    """How many bytes of a result and of an error are stored."""

    result_bytes_max: int
    error_bytes_max: int


class NotStarted(Exception):
    """Raised in the place of a start, with the reason."""


def succeeded(held: Held, value: object, limits: Limits) -> Ended:
    """The end of an attempt whose task returned *value*.

    A task that was told to stop and returned all the same ended for that reason: past its
    deadline nothing counts as a success.
    """
    if isinstance(held.raised, JobTimeout):
        return failed(held, held.raised, limits)
    ended = _ended(held, Outcome.SUCCEEDED)
    if value is not None:
        try:
            ended.result = checked_result(value, limits)
        except Exception as error:
            return failed(held, error, limits)
    return ended


def checked_result(value: object, limits: Limits) -> str | None:
    """A result as JSON text; None for none.

    Raises:
        UnstorableValue: It cannot be stored.
        ValueError: It is too large.
    """
    if value is None:
        return None
    text = encode_result(value)
    size = len(text.encode())
    if size > limits.result_bytes_max:
        raise ValueError(
            f"The result takes {size:,} bytes as JSON and result_bytes_max is "
            f"{limits.result_bytes_max:,}. Store the data elsewhere and return its key."
        )
    return text


def failed(held: Held, error: BaseException, limits: Limits) -> Ended:
    """The end of an attempt whose task raised *error*.

    What was raised into it from outside counts before what became of that on its way out: an
    asyncio.TaskGroup wraps it, and a broken `finally` puts another error in its place.
    """
    if isinstance(error, NotStarted):
        return never_started(held, reason=str(error))
    ended = _ended(held, _outcome(held, error))
    if isinstance(error, RetryJob | SnoozeJob):
        ended.delay_seconds = _delay_seconds(error)
    if ended.outcome is Outcome.FAILED and not isinstance(error, RetryJob):
        ended.retryable = held.task.options.retry.is_retryable(error)
    if held.raised is not None and error is not held.raised:
        error.add_note(f"Raised after {type(held.raised).__name__} had been raised into the task.")
    _describe(ended, held, error, limits)
    return ended


def _outcome(held: Held, error: BaseException) -> Outcome:
    told = held.raised if held.raised is not None else error
    if isinstance(told, JobTimeout):
        return Outcome.TIMED_OUT
    if isinstance(error, CancelJob):
        return Outcome.CANCELLED
    if isinstance(error, SnoozeJob):
        return Outcome.SNOOZED
    if isinstance(told, JobInterrupted):
        return Outcome.INTERRUPTED
    if isinstance(told, JobCancelled):
        return Outcome.CANCELLED
    return Outcome.FAILED


def _delay_seconds(error: RetryJob | SnoozeJob) -> float | None:
    # Checked when it was made, but a subclass may have written anything since.
    if error.delay is None:
        return None
    try:
        return seconds("delay", error.delay, maximum=YEAR_SECONDS)
    except PgqueueError:
        return None if isinstance(error, RetryJob) else 0.0


def unreportable(held: Held, error: BaseException, limits: Limits) -> Ended:
    """The end of an attempt whose error breaks whoever looks at it."""
    ended = _ended(held, Outcome.FAILED)
    ended.error_type = clean_text(type(error).__name__, 500)
    ended.error_message = clean_text(_text(error), limits.error_bytes_max)
    return ended


def never_started(held: Held, *, reason: str, executor: str | None = None) -> Ended:
    """The end of an attempt that is handed back without having been started."""
    ended = Ended(
        held.claimed.id,
        held.claimed.attempt,
        held.claimed.worker_id,
        Outcome.INTERRUPTED,
        executor=executor,
        error_type="NotStarted",
        error_message=reason,
    )
    return ended


def unreadable(held: Held, error: Exception, limits: Limits) -> Ended:
    """The end of an attempt that the database refused to store as it was.

    Its text is cut down to what can always be stored, so that a report is never lost.
    """
    ended = _ended(held, Outcome.FAILED)
    ended.error_type = "UnstorableValue"
    ended.error_message = clean_text(str(error), limits.error_bytes_max)
    return ended


def _ended(held: Held, outcome: Outcome) -> Ended:
    claimed = held.claimed
    return Ended(
        claimed.id,
        claimed.attempt,
        claimed.worker_id,
        outcome,
        waited_seconds=held.waited_seconds or 0.0,
    )


def _describe(ended: Ended, held: Held, error: BaseException, limits: Limits) -> None:
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ not in ("builtins", "pgqueue.core.current"):
        name = f"{kind.__module__}.{name}"
    ended.error_type = clean_text(name, 500)
    ended.error_message = clean_text(censored(_text(error)), limits.error_bytes_max)
    try:
        lines = traceback.format_exception(error)
    except BaseException as broken:  # user classes may break anything a traceback calls
        lines = [f"{name}: its traceback cannot be formatted ({type(broken).__name__})\n"]
    if error is held.raised and held.stack and not error.__traceback__:
        lines = ["The task stood here:\n", held.stack, *lines]
    ended.traceback = clean_text(censored("".join(lines)), limits.error_bytes_max)


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException as broken:
        return f"<its message cannot be read: str() raised {type(broken).__name__}>"
