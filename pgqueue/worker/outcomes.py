"""What a task returned or raised, as the end of its attempt. No I/O, no waiting.

Says how an attempt ended, never what that means for the job: that is `settle.sql`. To tell what
an exception or a result says may run code of its class, which may raise, and be raised into.
"""

from dataclasses import dataclass
from typing import Final

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
from pgqueue.core.values.clean_text import clean_text
from pgqueue.core.values.failure import Report, message_text, report
from pgqueue.core.values.introspect import name_of
from pgqueue.core.values.redaction import SECRET_BYTES_MAX
from pgqueue.core.values.result import encode_result, salvage_result
from pgqueue.store.settlements import NOT_STARTED, Settlement
from pgqueue.worker.in_flight import ActiveAttempt

# What a task decides, and what may be raised into it from outside.
_DECIDED: Final = ((CancelJob, Outcome.CANCELLED), (SnoozeJob, Outcome.SNOOZED))
_TOLD: Final = ((JobInterrupted, Outcome.INTERRUPTED), (JobCancelled, Outcome.CANCELLED))


@dataclass(frozen=True, slots=True)
class Limits:
    """How many bytes of a result and of an error are stored."""

    result_bytes_max: int
    error_bytes_max: int


class NotStarted(Exception):
    """Raised in the place of a start, with the reason.

    Args:
        executor: The kind of worker that can start it; None for the kind it was claimed by.
    """

    def __init__(self, reason: str, *, executor: str | None = None) -> None:
        super().__init__(reason)
        self.executor = executor


def succeeded(attempt: ActiveAttempt, value: object, limits: Limits) -> Settlement:
    """The end of an attempt whose task returned *value*.

    A task that was told to stop and returned all the same ended for that reason: past its
    deadline nothing counts as a success. What is no success either is a lost result: its work is
    done, so it is stored as far as it can be, and the attempt's row says what was replaced.
    """
    if isinstance(attempt.raised, JobTimeout):
        return failed(attempt, attempt.raised, limits)
    ended = _ended(attempt, Outcome.SUCCEEDED)
    if value is not None:
        result = salvage_result(value, result_bytes_max=limits.result_bytes_max)
        ended.result = result.text
        if result.problem is not None:
            ended.error_type = name_of(type(result.problem))
            ended.error_message = censored(message_text(result.problem, limits.error_bytes_max))
    return ended


def checked_result(value: object, limits: Limits) -> str | None:
    """A result as JSON text; None for none.

    Raises:
        UnstorableValue: It cannot be stored as it is.
        ResultTooLarge: It is too large.
    """
    if value is None:
        return None
    return encode_result(value, result_bytes_max=limits.result_bytes_max)


def failed(attempt: ActiveAttempt, error: BaseException, limits: Limits) -> Settlement:
    """The end of an attempt whose task raised *error*.

    What was raised into it from outside counts before what became of that on its way out: an
    asyncio.TaskGroup wraps it, and a broken `finally` puts another error in its place.
    """
    kind = type(error)
    if issubclass(kind, NotStarted):
        executor = getattr(error, "executor", None)
        return never_started(attempt, reason=str(error), executor=executor)
    told = _report(attempt, error, limits)
    ended = _ended(attempt, _outcome(attempt, error))
    _tell(ended, told, limits)
    if issubclass(kind, RetryJob | SnoozeJob):
        ended.delay_seconds = _delay_seconds(error)
    elif ended.outcome is Outcome.FAILED and attempt.task is not None:
        ended.retryable = attempt.task.options.retry.is_retryable(error)
    return ended


def _outcome(attempt: ActiveAttempt, error: BaseException) -> Outcome:
    # By class and not by isinstance, which asks the exception as well.
    kind = type(error)
    told = kind if attempt.raised is None else type(attempt.raised)
    if issubclass(told, JobTimeout):
        return Outcome.TIMED_OUT
    for chosen, outcomes in ((kind, _DECIDED), (told, _TOLD)):
        for base, outcome in outcomes:
            if issubclass(chosen, base):
                return outcome
    return Outcome.FAILED


def _delay_seconds(error: BaseException) -> float | None:
    # Checked when it was made, but a subclass may have written anything since.
    delay = getattr(error, "delay", None)
    if delay is None:
        return None
    try:
        return seconds("delay", delay, maximum=YEAR_SECONDS)
    except PgqueueError:
        return None if issubclass(type(error), RetryJob) else 0.0


def unreportable(attempt: ActiveAttempt, error: BaseException, limits: Limits) -> Settlement:
    """The end of an attempt whose end could not be told, because *error* was raised meanwhile."""
    is_late = isinstance(attempt.raised, JobTimeout)
    ended = _ended(attempt, Outcome.TIMED_OUT if is_late else Outcome.FAILED)
    before = ["Raised while the end of the attempt was told.\n"]
    _tell(ended, report(error, _rough(limits), before=before), limits)
    return ended


def never_started(
    attempt: ActiveAttempt, *, reason: str, executor: str | None = None
) -> Settlement:
    """The end of an attempt that is handed back without having been started."""
    ended = Settlement(
        attempt.claimed.id,
        attempt.claimed.attempt,
        attempt.claimed.worker_id,
        Outcome.INTERRUPTED,
        executor=executor,
        error_type=NOT_STARTED,
        error_message=reason,
    )
    return ended


def unstorable(attempt: ActiveAttempt, error: Exception, limits: Limits) -> Settlement:
    """The end of an attempt that the database refused to store as it was.

    Its text is cut down to what can always be stored, so that a report is never lost.
    """
    ended = _ended(attempt, Outcome.FAILED)
    ended.error_type = "UnstorableValue"
    ended.error_message = message_text(error, limits.error_bytes_max)
    return ended


def _ended(attempt: ActiveAttempt, outcome: Outcome) -> Settlement:
    claimed = attempt.claimed
    return Settlement(
        claimed.id,
        claimed.attempt,
        claimed.worker_id,
        outcome,
        waited_seconds=attempt.waited_seconds or 0.0,
    )


def _report(attempt: ActiveAttempt, error: BaseException, limits: Limits) -> Report:
    before = []
    if error is attempt.raised and attempt.stack and not error.__traceback__:
        before = ["The task stood here:\n", attempt.stack]
    elif attempt.raised is not None and error is not attempt.raised:
        before = [f"Raised after {name_of(type(attempt.raised))} had been raised into the task.\n"]
    return report(error, _rough(limits), before=before)


def _rough(limits: Limits) -> int:
    # What is redacted is looked for before the last cut, which may go through the middle of it.
    return limits.error_bytes_max + SECRET_BYTES_MAX


def _tell(ended: Settlement, told: Report, limits: Limits) -> None:
    ended.error_type = told.type
    ended.error_message = clean_text(censored(told.message), limits.error_bytes_max)
    ended.traceback = clean_text(censored(told.traceback), limits.error_bytes_max)
