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
)
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
            ended.result = encode_result(value)
        except Exception as error:
            return failed(held, error, limits)
        size = len(ended.result.encode())
        if size > limits.result_bytes_max:
            too_large = ValueError(
                f"The result takes {size:,} bytes as JSON and result_bytes_max is "
                f"{limits.result_bytes_max:,}. Store the data elsewhere and return its key."
            )
            return failed(held, too_large, limits)
    return ended


def failed(held: Held, error: BaseException, limits: Limits) -> Ended:
    """The end of an attempt whose task raised *error*."""
    if isinstance(held.raised, JobTimeout) and not isinstance(error, JobTimeout):
        error.add_note(f"Raised after {held.raised} had been raised into the task.")
        ended = _ended(held, Outcome.TIMED_OUT)
    elif isinstance(error, JobTimeout):
        ended = _ended(held, Outcome.TIMED_OUT)
    elif isinstance(error, JobInterrupted):
        ended = _ended(held, Outcome.INTERRUPTED)
    elif isinstance(error, JobCancelled | CancelJob):
        ended = _ended(held, Outcome.CANCELLED)
    elif isinstance(error, SnoozeJob):
        ended = _ended(held, Outcome.SNOOZED)
        ended.delay_seconds = error.delay
    elif isinstance(error, RetryJob):
        ended = _ended(held, Outcome.FAILED)
        ended.delay_seconds = error.delay
    else:
        ended = _ended(held, Outcome.FAILED)
        ended.retryable = held.task.options.retry.is_retryable(error)
    _describe(ended, held, error, limits)
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
    ended.error_message = clean_text(_text(error), limits.error_bytes_max)
    try:
        lines = traceback.format_exception(error)
    except BaseException as broken:  # user classes may break anything a traceback calls
        lines = [f"{name}: its traceback cannot be formatted ({type(broken).__name__})\n"]
    if error is held.raised and held.stack and not error.__traceback__:
        lines = ["The task stood here:\n", held.stack, *lines]
    ended.traceback = clean_text("".join(lines), limits.error_bytes_max)


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException as broken:
        return f"<its message cannot be read: str() raised {type(broken).__name__}>"
