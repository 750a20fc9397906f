"""The effects of the statements on a job's row, as pure functions.

The checker explores them in every order. The machine compares the real SQL with them, so the
checked protocol is the one that runs.
"""

from dataclasses import dataclass, replace
from typing import Final

from pgqueue.core.lifecycle import JobStatus, Outcome

LOSSES_MAX: Final = 3
"""Losses in a row that end a job."""

WAITING: Final = frozenset({JobStatus.QUEUED, JobStatus.SCHEDULED})
_COUNTED = (Outcome.FAILED, Outcome.TIMED_OUT)


@dataclass(frozen=True, slots=True)
class Job:
    """The columns of a job that the protocol reads and writes."""

    status: JobStatus = JobStatus.QUEUED
    attempt: int = 0
    worker: int | None = None
    failures: int = 0
    losses: int = 0
    is_cancelling: bool = False
    max_attempts: int = 1
    is_once: bool = False

    @property
    def is_running(self) -> bool:
        """Whether the job has an open attempt."""
        return self.status is JobStatus.RUNNING

    def is_owned_by(self, attempt: int, worker: int) -> bool:
        """Whether (attempt, worker) is the token of its open attempt."""
        return self.is_running and self.attempt == attempt and self.worker == worker


@dataclass(frozen=True, slots=True)
class End:
    """The end of an attempt, in the parameters of `settle.sql`."""

    outcome: Outcome
    is_started: bool
    is_retryable: bool = True
    is_delayed: bool = True


def claimed(job: Job, worker: int) -> Job:
    """The job after `claim.sql`."""
    return replace(job, status=JobStatus.RUNNING, attempt=job.attempt + 1, worker=worker)


def settled(job: Job, end: End) -> Job:
    """The job after `settle.sql` for its open attempt."""
    failures = job.failures + (end.outcome in _COUNTED)
    losses = {Outcome.LOST: job.losses + 1, Outcome.INTERRUPTED: job.losses}.get(end.outcome, 0)
    counted = replace(job, failures=failures, losses=losses)
    status = _next_status(counted, end)
    return replace(counted, status=status, worker=None if status in WAITING else job.worker)


def _next_status(job: Job, end: End) -> JobStatus:
    outcome = end.outcome
    if outcome is Outcome.SUCCEEDED:
        return JobStatus.SUCCEEDED
    if outcome is Outcome.CANCELLED or job.is_cancelling:
        return JobStatus.CANCELLED
    if job.is_once and end.is_started:
        return JobStatus.FAILED
    if outcome is Outcome.INTERRUPTED:
        return JobStatus.QUEUED
    if outcome is Outcome.LOST:
        return JobStatus.QUEUED if job.losses < LOSSES_MAX else JobStatus.FAILED
    if outcome is Outcome.SNOOZED or (end.is_retryable and job.failures < job.max_attempts):
        return JobStatus.SCHEDULED if end.is_delayed else JobStatus.QUEUED
    return JobStatus.FAILED


def promoted(job: Job) -> Job:
    """The job after `promote.sql`, when it is due."""
    return replace(job, status=JobStatus.QUEUED)


def can_cancel(job: Job) -> bool:
    """Whether a person's cancel changes anything."""
    return not job.status.is_final


def cancelled(job: Job) -> Job:
    """The job after `pgqueue.cancel`: cancelled, or running with a request to cancel."""
    status = JobStatus.RUNNING if job.is_running else JobStatus.CANCELLED
    return replace(job, status=status, is_cancelling=True)


def can_retry(job: Job) -> bool:
    """Whether a person's retry changes anything."""
    return job.status.is_final or job.status is JobStatus.SCHEDULED


def retried(job: Job) -> Job:
    """The job after `pgqueue.retry`: failures and losses start again at 0, attempts do not."""
    return replace(
        job, status=JobStatus.QUEUED, worker=None, failures=0, losses=0, is_cancelling=False
    )


@dataclass(frozen=True, slots=True)
class Death:
    """The end of a worker in its row; all fields are None when the row is deleted.

    Attributes:
        started: The jobs that it had started and not settled; None when they are unknown.
        overdue: The job whose timeout ended the worker.
    """

    reason: str | None = None
    started: frozenset[int] | None = None
    overdue: int | None = None


def orphan_end(job_id: int, death: Death) -> End:
    """The end that the rescue writes for a job of a worker with this death."""
    is_started = death.started is None or job_id in death.started
    if death.reason == "overdue" and job_id == death.overdue:
        outcome = Outcome.TIMED_OUT
    elif death.reason in ("overdue", "stopped") or not is_started:
        outcome = Outcome.INTERRUPTED
    else:
        outcome = Outcome.LOST
    return End(outcome, is_started)
