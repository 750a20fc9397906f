"""How an attempt ended, as a `Settlement`: every settlement is made here. No I/O, no waiting.

A settlement says how the attempt ended. What that means for the job is decided by `settle.sql`.
Reading an exception or a result may run code of its class, which may raise.
"""

from dataclasses import dataclass
from typing import Final

from pgqueue.core.decisions import (
    CancelJob,
    JobCancelled,
    JobInterrupted,
    JobTimeout,
    RetryJob,
    SnoozeJob,
)
from pgqueue.core.duration import YEAR_SECONDS, seconds
from pgqueue.core.errors import PgqueueError
from pgqueue.core.exception_leaves import leaves
from pgqueue.core.job_context import redact
from pgqueue.core.lifecycle import ATTEMPT_SUCCEEDED, Outcome
from pgqueue.core.values.clean_text import clean_text
from pgqueue.core.values.failure import Report, message_text, report
from pgqueue.core.values.introspect import name_of
from pgqueue.core.values.redaction import SECRET_BYTES_MAX
from pgqueue.core.values.result import encode_result, salvage_result
from pgqueue.store.settlements import NOT_STARTED, ROLLED_BACK, Settlement
from pgqueue.worker.active_attempt import ActiveAttempt

# What decides an outcome, also as a group in which every exception is of one of these classes.
_DECISIONS: Final = (CancelJob, SnoozeJob, RetryJob, JobInterrupted, JobCancelled, JobTimeout)

# What a task raises to decide its outcome, and what is raised into it from outside.
_RAISED_BY_TASK: Final = ((CancelJob, Outcome.CANCELLED), (SnoozeJob, Outcome.SNOOZED))
_RAISED_INTO_TASK: Final = (
    (JobInterrupted, Outcome.INTERRUPTED),
    (JobCancelled, Outcome.CANCELLED),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many bytes of a result and of an error are stored."""

    result_bytes_max: int
    error_bytes_max: int


class NotStarted(Exception):
    """Raised in the place of a start, with the reason.

    Args:
        executor: The kind of worker that can start it; None for the kind that claimed it.
    """

    def __init__(self, reason: str, *, executor: str | None = None) -> None:
        super().__init__(reason)
        self.executor = executor


def succeeded(attempt: ActiveAttempt, value: object, limits: Limits) -> Settlement:
    """The settlement of an attempt whose task returned *value*.

    A task that returned after its deadline has timed out all the same. A result that cannot be
    stored is stored as far as possible, because its work is done; the attempt's row says what was
    replaced.

    Raises:
        TypeError: The value stands for work which is not done, such as a coroutine.
    """
    interruption = attempt.interruption
    if interruption is not None and isinstance(interruption.error, JobTimeout):
        return failed(attempt, interruption.error, limits)
    if attempt.is_completed:
        return _rolled_back(attempt)
    settlement = _settlement(attempt, ATTEMPT_SUCCEEDED)
    if value is not None:
        result = salvage_result(value, result_bytes_max=limits.result_bytes_max)
        settlement.result = result.text
        if result.problem is not None:
            settlement.error_type = name_of(type(result.problem))
            settlement.error_message = redact(message_text(result.problem, limits.error_bytes_max))
    return settlement


def completed(attempt: ActiveAttempt, result: object, limits: Limits) -> Settlement:
    """The settlement of an attempt whose task called `complete()`.

    Raises:
        UnstorableValue: The result cannot be stored as it is.
        ResultTooLarge: It is too large.
        JobTimeout, JobCancelled, JobInterrupted: Raised into the task before.
    """
    if attempt.interruption is not None:
        raise attempt.interruption.error
    settlement = _settlement(attempt, Outcome.SUCCEEDED)
    # A reference to the job may refuse its deletion, as late as at the commit of the caller's
    # transaction, and with it the caller's work. So the pruner deletes the job.
    settlement.keeps_job = True
    if result is not None:
        settlement.result = encode_result(result, result_bytes_max=limits.result_bytes_max)
    return settlement


def _rolled_back(attempt: ActiveAttempt) -> Settlement:
    # The task's own transaction settled the attempt. If that was rolled back after all, the row
    # still runs, and this is stored; else the row no longer runs, and nothing is stored.
    settlement = _settlement(attempt, Outcome.FAILED)
    settlement.error_type = ROLLED_BACK
    settlement.error_message = "complete() was called, and its transaction did not commit."
    return settlement


def failed(attempt: ActiveAttempt, error: BaseException, limits: Limits) -> Settlement:
    """The settlement of an attempt whose task raised *error*.

    An error that was raised into the task counts before the error that left it: an
    asyncio.TaskGroup wraps the first, and a broken `finally` replaces it. An error of its class
    that was not raised into the task is a failure.
    """
    error = _decision_in(error)
    kind = type(error)
    if issubclass(kind, NotStarted):
        executor = getattr(error, "executor", None)
        return never_started(attempt, reason=str(error), executor=executor)
    error_report = _report(attempt, error, limits)
    settlement = _settlement(attempt, _outcome(attempt, error))
    _add_report(settlement, error_report, limits)
    if issubclass(kind, RetryJob | SnoozeJob):
        settlement.delay_seconds = _delay_seconds(error)
    elif settlement.outcome is Outcome.FAILED and attempt.task is not None:
        settlement.retryable = attempt.task.options.retry.is_retryable(error)
    return settlement


def _decision_in(error: BaseException) -> BaseException:
    """The one decision that a group of exceptions is, with the longest delay; else the error."""
    if not issubclass(type(error), BaseExceptionGroup):
        return error
    found = leaves(error)
    for decision in _DECISIONS:
        if all(issubclass(type(leaf), decision) for leaf in found):
            return max(found, key=lambda leaf: _delay_seconds(leaf) or 0.0)
    return error


def _outcome(attempt: ActiveAttempt, error: BaseException) -> Outcome:
    # The class of an error does not say that it came from outside: code of the application can
    # raise JobInterrupted too. Such an attempt has to count, or its job would run for ever.
    interruption = attempt.interruption
    outside = None if interruption is None else type(interruption.error)
    if outside is not None and issubclass(outside, JobTimeout):
        return Outcome.TIMED_OUT
    # By class and not by isinstance, which calls code of the exception as well.
    for chosen, outcomes in ((type(error), _RAISED_BY_TASK), (outside, _RAISED_INTO_TASK)):
        for base, outcome in outcomes:
            if chosen is not None and issubclass(chosen, base):
                return outcome
    return Outcome.FAILED


def _delay_seconds(error: BaseException) -> float | None:
    # The delay was checked when the error was made, but a subclass may have replaced it since.
    delay = getattr(error, "delay", None)
    if delay is None:
        return None
    try:
        return seconds("delay", delay, maximum=YEAR_SECONDS)
    except PgqueueError:
        return None if issubclass(type(error), RetryJob) else 0.0


def unreportable(attempt: ActiveAttempt, error: BaseException, limits: Limits) -> Settlement:
    """The settlement of an attempt whose description raised *error*."""
    interruption = attempt.interruption
    is_late = interruption is not None and isinstance(interruption.error, JobTimeout)
    settlement = _settlement(attempt, Outcome.TIMED_OUT if is_late else Outcome.FAILED)
    before = ["Raised while the end of the attempt was described.\n"]
    _add_report(settlement, report(error, _uncut_bytes(limits), before=before), limits)
    return settlement


def never_started(
    attempt: ActiveAttempt, *, reason: str, executor: str | None = None
) -> Settlement:
    """The settlement of an attempt that returns to the queue without a start."""
    claimed = attempt.claimed
    return Settlement(
        claimed.id,
        claimed.attempt,
        claimed.worker_id,
        Outcome.INTERRUPTED,
        executor=executor,
        error_type=NOT_STARTED,
        error_message=reason,
    )


def _settlement(attempt: ActiveAttempt, outcome: Outcome) -> Settlement:
    claimed = attempt.claimed
    return Settlement(
        claimed.id,
        claimed.attempt,
        claimed.worker_id,
        outcome,
        waited_seconds=attempt.waited_seconds or 0.0,
    )


def _report(attempt: ActiveAttempt, error: BaseException, limits: Limits) -> Report:
    before: list[str] = []
    interruption = attempt.interruption
    if interruption is not None:
        if error is not interruption.error:
            kind = name_of(type(interruption.error))
            before = [f"Raised after {kind} had been raised into the task.\n"]
        elif interruption.stack and not error.__traceback__:
            before = ["The task stood here:\n", interruption.stack]
    return report(error, _uncut_bytes(limits), before=before)


def _uncut_bytes(limits: Limits) -> int:
    # Secrets are removed before the last cut, which may go through the middle of a secret.
    return limits.error_bytes_max + SECRET_BYTES_MAX


def _add_report(settlement: Settlement, error_report: Report, limits: Limits) -> None:
    settlement.error_type = error_report.type
    settlement.error_message = clean_text(redact(error_report.message), limits.error_bytes_max)
    settlement.traceback = clean_text(redact(error_report.traceback), limits.error_bytes_max)
