"""What retrying and cancelling would do, did, or could not do to each job, in words."""

from pgqueue.core.job import Job
from pgqueue.core.lifecycle import JobStatus

_WAITING = (JobStatus.QUEUED, JobStatus.BLOCKED)


def outlook(verb: str, job: Job, *, is_named: bool) -> str:
    """What *verb* would do to a job.

    Args:
        is_named: Whether the job was named by its id, and not found by a filter.
    """
    if verb == "cancel":
        if job.status is JobStatus.RUNNING:
            return "asked to stop"
        return f"left: it is {job.status.value}" if job.status.is_final else "cancelled"
    if job.status is JobStatus.RUNNING or job.status in _WAITING:
        return f"left: it is {job.status.value}"
    if is_only_named(job) and not is_named:
        return "left: it is at_most_once, name it by its id"
    return "queued"


def is_only_named(job: Job) -> bool:
    """Whether a job could be retried, but only by its id."""
    is_waiting = job.status is JobStatus.RUNNING or job.status in _WAITING
    return job.delivery == "at_most_once" and not is_waiting


def result(verb: str, status: JobStatus | None, found: Job | None) -> str:
    """What *verb* did.

    Args:
        status: What the verb answered.
        found: The job as it stands, if it was left; None when there is none.
    """
    if status is JobStatus.RUNNING:
        return "running, asked to stop"
    if status is not None:
        return status.value
    if found is None:
        return "there is no such job"
    told = outlook(verb, found, is_named=True)
    # It could be done now, and could not a moment ago: somebody else was at it.
    return told if told.startswith("left") else f"left: it changed meanwhile, and is {found.status}"
