"""What happens to jobs, and to their attempts.

A worker emits what it does itself; a supervisor emits what it does for workers that have ended.
A client emits `job.enqueued`, before the transaction commits.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from pgqueue.core.events.event import Event
from pgqueue.core.lifecycle import JobStatus, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent(Event):
    """Something that happened to one attempt of one job."""

    job_id: int
    attempt: int
    worker_id: int
    task: str
    queue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobClaimed(JobEvent):
    """A worker claimed the job."""

    NAME: ClassVar[str] = "job.claimed"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStarted(JobEvent):
    """The task's code began to run."""

    NAME: ClassVar[str] = "job.started"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEvent(JobEvent):
    """An attempt ended, and its outcome is recorded.

    Attributes:
        outcome: How the attempt ended.
        status: The status of its job afterwards.
        run_seconds: From the true start to the end; None when it never started, or nobody saw it.
    """

    outcome: Outcome
    status: JobStatus
    run_seconds: float | None = None
    error_type: str | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSucceeded(AttemptEvent):
    """The job ended as succeeded."""

    NAME: ClassVar[str] = "job.succeeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFailed(AttemptEvent):
    """The job ended as failed; it is not tried again by itself."""

    NAME: ClassVar[str] = "job.failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRetried(AttemptEvent):
    """The attempt failed or timed out, and the job will be tried again."""

    NAME: ClassVar[str] = "job.retried"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCancelled(AttemptEvent):
    """The job ended as cancelled while a worker had it."""

    NAME: ClassVar[str] = "job.cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLost(AttemptEvent):
    """The worker died in mid-job."""

    NAME: ClassVar[str] = "job.lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobInterrupted(AttemptEvent):
    """The worker was told to stop, or was killed because of another job."""

    NAME: ClassVar[str] = "job.interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSnoozed(AttemptEvent):
    """The task asked to be run again later."""

    NAME: ClassVar[str] = "job.snoozed"


_BY_OUTCOME: Final[dict[Outcome, type[AttemptEvent]]] = {
    Outcome.LOST: JobLost,
    Outcome.INTERRUPTED: JobInterrupted,
    Outcome.SNOOZED: JobSnoozed,
}
_BY_STATUS: Final[dict[JobStatus, type[AttemptEvent]]] = {
    JobStatus.SUCCEEDED: JobSucceeded,
    JobStatus.FAILED: JobFailed,
    JobStatus.CANCELLED: JobCancelled,
}

SETTLEMENT_EVENTS: Final = (*_BY_OUTCOME.values(), *_BY_STATUS.values(), JobRetried)
"""Every event that a settlement may be."""


def settlement_events(outcome: Outcome, status: JobStatus) -> Iterator[type[AttemptEvent]]:
    """The events of an attempt that ended so and left its job with this status.

    `job.lost`, `job.interrupted` and `job.snoozed` tell of the attempt; where they end the job,
    a second event tells of that.
    """
    if outcome in _BY_OUTCOME:
        yield _BY_OUTCOME[outcome]
    if status in _BY_STATUS:
        yield _BY_STATUS[status]
    elif outcome not in _BY_OUTCOME:
        yield JobRetried


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseLost(Event):
    """A worker ended an attempt that was no longer its own; nothing was recorded for it."""

    NAME: ClassVar[str] = "lease.lost"

    job_id: int
    attempt: int
    worker_id: int
    outcome: Outcome
    was_started: bool

    @property
    def level(self) -> int:
        """DEBUG for an attempt that never started: it runs elsewhere, and nothing is lost."""
        return logging.WARNING if self.was_started else logging.DEBUG


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRevoked(Event):
    """A worker found that one of its attempts belongs to another worker now, and stops it."""

    NAME: ClassVar[str] = "attempt.revoked"

    job_id: int
    attempt: int
    was_started: bool

    @property
    def level(self) -> int:
        """DEBUG for an attempt that never started: it runs elsewhere, and nothing is lost."""
        return logging.WARNING if self.was_started else logging.DEBUG


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRescued(Event):
    """A job was taken back from a worker that has ended."""

    NAME: ClassVar[str] = "job.rescued"
    LEVEL: ClassVar[int | None] = logging.WARNING

    job_id: int
    attempt: int
    outcome: Outcome
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsReclaimed(Event):
    """Jobs that waited in a blocked worker were returned to the queue."""

    NAME: ClassVar[str] = "jobs.reclaimed"
    LEVEL: ClassVar[int | None] = logging.WARNING

    worker_id: int
    job_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementRefused(Event):
    """The database refused to record how an attempt ended; it is tried again.

    Attributes:
        job_id: None where it is not known which one of a worker's jobs it was.
    """

    NAME: ClassVar[str] = "settlement.refused"
    LEVEL: ClassVar[int | None] = logging.ERROR

    reason: str
    job_id: int | None = None
    attempt: int | None = None
    worker_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSkipped(Event):
    """The database refused to change a job; the others went on without it for a minute."""

    NAME: ClassVar[str] = "job.skipped"
    LEVEL: ClassVar[int | None] = logging.ERROR

    job_id: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRecovered(Event):
    """Jobs of a claim whose answer was lost were found by their rows, and are run."""

    NAME: ClassVar[str] = "claim.recovered"
    LEVEL: ClassVar[int | None] = logging.WARNING

    job_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputDropped(Event):
    """Log lines or progress of running jobs could not be written."""

    NAME: ClassVar[str] = "output.dropped"
    LEVEL: ClassVar[int | None] = logging.WARNING

    count: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsUnknown(Event):
    """A burst ends with jobs that no worker here can run."""

    NAME: ClassVar[str] = "jobs.unknown"
    LEVEL: ClassVar[int | None] = logging.ERROR

    task: str
    job_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskUnknown(Event):
    """A worker met a task that it cannot run; its jobs are left to other workers."""

    NAME: ClassVar[str] = "task.unknown"
    LEVEL: ClassVar[int | None] = logging.WARNING

    task: str
    reason: str
