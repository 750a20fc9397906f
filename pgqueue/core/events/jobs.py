"""What happens to jobs, and to their attempts.

A worker emits what it does itself; a supervisor emits what it does for workers that have ended.
A client emits `job.enqueued`, before the transaction commits.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from pgqueue.core.events.event import Event, LoggedEvent, emit, is_observed
from pgqueue.core.lifecycle import JobStatus, Outcome


@dataclass(frozen=True, kw_only=True)
class JobEnqueued(Event):
    """Jobs were inserted; they exist if and only if the transaction commits.

    Attributes:
        job_id: None where many were inserted at once.
    """

    NAME: ClassVar[str] = "job.enqueued"

    task: str
    queue: str
    job_id: int | None = None
    job_count: int = 1


@dataclass(frozen=True, kw_only=True)
class JobEvent(Event):
    """Something that happened to one attempt of one job."""

    job_id: int
    attempt: int
    worker_id: int
    task: str
    queue: str


class JobClaimed(JobEvent):
    """A worker claimed the job."""

    NAME: ClassVar[str] = "job.claimed"


class JobStarted(JobEvent, LoggedEvent):
    """The task's code began to run."""

    NAME: ClassVar[str] = "job.started"
    LEVEL: ClassVar[int] = logging.DEBUG


@dataclass(frozen=True, kw_only=True)
class AttemptEvent(JobEvent):
    """An attempt ended, and its outcome is recorded.

    Attributes:
        outcome: How the attempt ended.
        status: The status of its job afterwards.
        run_seconds: From the true start to the end. None when the task's code never started, or
            when its worker died before it reported.
        traceback: Text of the error's traceback, without secrets; a log line at ERROR prints it.
    """

    outcome: Outcome
    status: JobStatus
    run_seconds: float | None = None
    error_type: str | None = None
    error_message: str | None = None
    traceback: str | None = None


class JobSucceeded(AttemptEvent, LoggedEvent):
    """The job ended as succeeded."""

    NAME: ClassVar[str] = "job.succeeded"
    LEVEL: ClassVar[int] = logging.DEBUG


class JobFailed(AttemptEvent, LoggedEvent):
    """The job ended as failed; only a person can retry it."""

    NAME: ClassVar[str] = "job.failed"
    LEVEL: ClassVar[int] = logging.ERROR


class JobRetried(AttemptEvent, LoggedEvent):
    """The attempt failed or timed out, and the job will be tried again."""

    NAME: ClassVar[str] = "job.retried"
    LEVEL: ClassVar[int] = logging.WARNING


class JobCancelledEvent(AttemptEvent, LoggedEvent):
    """The job was cancelled while it ran."""

    NAME: ClassVar[str] = "job.cancelled"
    LEVEL: ClassVar[int] = logging.INFO


class JobLost(AttemptEvent):
    """The worker died while the job ran; `job.rescued` has the log line."""

    NAME: ClassVar[str] = "job.lost"


class JobInterruptedEvent(AttemptEvent, LoggedEvent):
    """The worker had to stop, or was killed because of another job; the attempt does not count."""

    NAME: ClassVar[str] = "job.interrupted"
    LEVEL: ClassVar[int] = logging.INFO

    @property
    def level(self) -> int:
        """DEBUG for an attempt that never started: no work is lost."""
        return logging.DEBUG if self.run_seconds is None else logging.INFO


class JobSnoozed(AttemptEvent, LoggedEvent):
    """The task raised `SnoozeJob`; the attempt does not count."""

    NAME: ClassVar[str] = "job.snoozed"
    LEVEL: ClassVar[int] = logging.DEBUG


_BY_OUTCOME: Final[dict[Outcome, type[AttemptEvent]]] = {
    Outcome.LOST: JobLost,
    Outcome.INTERRUPTED: JobInterruptedEvent,
    Outcome.SNOOZED: JobSnoozed,
}
_BY_STATUS: Final[dict[JobStatus, type[AttemptEvent]]] = {
    JobStatus.SUCCEEDED: JobSucceeded,
    JobStatus.FAILED: JobFailed,
    JobStatus.CANCELLED: JobCancelledEvent,
}


def settlement_events(outcome: Outcome, status: JobStatus) -> Iterator[type[AttemptEvent]]:
    """The events of an attempt with this outcome, which left its job with this status.

    `job.lost`, `job.interrupted` and `job.snoozed` describe the attempt. Where the attempt also
    ended the job, a second event describes the job: `job.failed` or `job.cancelled`.
    """
    if outcome in _BY_OUTCOME:
        yield _BY_OUTCOME[outcome]
    if status in _BY_STATUS:
        yield _BY_STATUS[status]
    elif outcome not in _BY_OUTCOME:
        yield JobRetried


def emit_settlement(*, outcome: Outcome, status: JobStatus, **attempt: Any) -> None:
    """Emit the events of an attempt that ended so and left its job with this status.

    Args:
        attempt: The other fields of `AttemptEvent`.
    """
    for kind in settlement_events(outcome, status):
        if is_observed(kind):
            emit(kind(outcome=outcome, status=status, **attempt))


@dataclass(frozen=True, kw_only=True)
class LeaseLostEvent(LoggedEvent):
    """A worker ended an attempt that belongs to another worker now; no result was recorded."""

    NAME: ClassVar[str] = "lease.lost"
    LEVEL: ClassVar[int] = logging.WARNING

    job_id: int
    attempt: int
    worker_id: int
    task: str
    outcome: Outcome
    was_started: bool

    @property
    def level(self) -> int:
        """DEBUG for an attempt that never started: no work is lost."""
        return logging.WARNING if self.was_started else logging.DEBUG


@dataclass(frozen=True, kw_only=True)
class AttemptRevoked(LoggedEvent):
    """A worker stops an attempt that belongs to another worker now."""

    NAME: ClassVar[str] = "attempt.revoked"
    LEVEL: ClassVar[int] = logging.WARNING

    job_id: int
    attempt: int
    task: str
    was_started: bool

    @property
    def level(self) -> int:
        """DEBUG for an attempt that never started: no work is lost."""
        return logging.WARNING if self.was_started else logging.DEBUG


@dataclass(frozen=True, kw_only=True)
class JobRescued(LoggedEvent):
    """A job of a worker that has ended was returned to the queue, or ended."""

    NAME: ClassVar[str] = "job.rescued"
    LEVEL: ClassVar[int] = logging.WARNING

    job_id: int
    attempt: int
    task: str
    outcome: Outcome
    detail: str


@dataclass(frozen=True, kw_only=True)
class JobsReclaimed(LoggedEvent):
    """Jobs that waited in a blocked worker were returned to the queue."""

    NAME: ClassVar[str] = "jobs.reclaimed"
    LEVEL: ClassVar[int] = logging.WARNING

    worker_id: int
    job_count: int


@dataclass(frozen=True, kw_only=True)
class SettlementRefused(LoggedEvent):
    """The database refused to record how an attempt ended; pgqueue tries again.

    Attributes:
        job_id: None where the database named no job.
    """

    NAME: ClassVar[str] = "settlement.refused"
    LEVEL: ClassVar[int] = logging.ERROR

    reason: str
    job_id: int | None = None
    attempt: int | None = None
    worker_id: int | None = None
    task: str | None = None


@dataclass(frozen=True, kw_only=True)
class SettlementReduced(LoggedEvent):
    """The database refused a part of what records the end of an attempt; the rest is recorded.

    Emitted once in ten minutes for each constraint or trigger. The error of each such attempt has
    the type `SettlementRefused`.

    Attributes:
        left_out: The part that is not recorded.
    """

    NAME: ClassVar[str] = "settlement.reduced"
    LEVEL: ClassVar[int] = logging.ERROR

    job_id: int
    attempt: int
    worker_id: int
    left_out: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class JobSkipped(LoggedEvent):
    """The database refused to change a job; maintenance skips it, and tries again later.

    Emitted once in ten minutes for each constraint or trigger.
    """

    NAME: ClassVar[str] = "job.skipped"
    LEVEL: ClassVar[int] = logging.ERROR

    job_id: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class JobFailedAfterCompletion(LoggedEvent):
    """A task raised after `complete()`; its job has succeeded all the same."""

    NAME: ClassVar[str] = "job.failed_after_completion"
    LEVEL: ClassVar[int] = logging.WARNING

    job_id: int
    attempt: int
    worker_id: int
    task: str
    error_type: str
    error_message: str | None = None


@dataclass(frozen=True, kw_only=True)
class ClaimRecovered(LoggedEvent):
    """The reply to a claim was lost; the worker read its jobs from their rows, and runs them."""

    NAME: ClassVar[str] = "claim.recovered"
    LEVEL: ClassVar[int] = logging.WARNING

    job_count: int


@dataclass(frozen=True, kw_only=True)
class OutputDropped(LoggedEvent):
    """Log lines or progress of running jobs could not be stored."""

    NAME: ClassVar[str] = "output.dropped"
    LEVEL: ClassVar[int] = logging.WARNING

    count: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class JobsUnknown(LoggedEvent):
    """A burst ended with jobs whose task no worker here knows."""

    NAME: ClassVar[str] = "jobs.unknown"
    LEVEL: ClassVar[int] = logging.ERROR

    task: str
    job_count: int


@dataclass(frozen=True, kw_only=True)
class TaskUnknown(LoggedEvent):
    """A worker claimed a job whose task it does not know; it leaves such jobs to other workers."""

    NAME: ClassVar[str] = "task.unknown"
    LEVEL: ClassVar[int] = logging.WARNING

    task: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class QueueSplit(LoggedEvent):
    """A task's queue has a comma in its name, at which the setting `queues` was split.

    The worker takes the parts, and not the queue.
    """

    NAME: ClassVar[str] = "queue.split"
    LEVEL: ClassVar[int] = logging.WARNING

    task: str
    queue: str
    advice: str = "write the setting `queues` as a list: in the environment as JSON"


@dataclass(frozen=True, kw_only=True)
class TasksLoaded(LoggedEvent):
    """A worker imported the modules with its tasks.

    Attributes:
        modules: Their names, with commas between them.
    """

    NAME: ClassVar[str] = "tasks.loaded"
    LEVEL: ClassVar[int] = logging.INFO

    worker_id: int
    modules: str
    task_count: int
