"""The effect of retrying or cancelling each job, in words: before and after the action."""

from pgqueue.core.job import Job
from pgqueue.core.lifecycle import JobStatus

LOCKED = "left: another transaction has locked it"
"""The effect on a job whose lock was not released in time."""

_CANNOT_RETRY = (JobStatus.RUNNING, JobStatus.QUEUED, JobStatus.BLOCKED)


def expected_effect(verb: str, job: Job, *, is_named: bool) -> str:
    """The effect that *verb* would have on a job.

    Args:
        is_named: Whether a person named the job by its id; False where a filter selected it.
    """
    if verb == "cancel":
        if job.status is JobStatus.RUNNING:
            return "asked to stop"
        return f"left: it is {job.status.value}" if job.status.is_final else "cancelled"
    if job.status in _CANNOT_RETRY:
        return f"left: it is {job.status.value}"
    if must_be_named(job) and not is_named:
        return "left: it is at_most_once, name it by its id"
    return "queued"


def must_be_named(job: Job) -> bool:
    """Whether a job can be retried by its id, and by no filter."""
    return job.delivery == "at_most_once" and job.status not in _CANNOT_RETRY


def effect(verb: str, status: JobStatus | None, job: Job | None) -> str:
    """The effect that *verb* had on a job.

    Args:
        status: The job's status after the action; None where the action left the job alone.
        job: The job that was left alone, as it stands now; None when there is none.
    """
    if status is JobStatus.RUNNING:
        return "running, asked to stop"
    if status is not None:
        return status.value
    if job is None:
        return "there is no such job"
    text = expected_effect(verb, job, is_named=True)
    # The action could succeed now and could not a moment ago: another program changed the job.
    return text if text.startswith("left") else f"left: it changed meanwhile, and is {job.status}"
