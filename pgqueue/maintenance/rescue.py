"""Rescues the jobs of workers that have ended, whichever supervisor started the workers.

Decides from rows alone, so that any supervisor can do it for any other. The worker's row says how
the worker ended, `find_orphaned.sql` gives the outcome of its attempts, and `settle.sql` decides
what becomes of the jobs.
"""

from pgqueue.core.events.event import emit
from pgqueue.core.events.jobs import JobRescued
from pgqueue.core.lifecycle import Outcome
from pgqueue.maintenance.service import Service
from pgqueue.maintenance.settling import EndedAttempt, settle_attempts
from pgqueue.store import orphans
from pgqueue.store.connection.link import Link
from pgqueue.store.orphans import OrphanedJob
from pgqueue.store.settlement_batches import SETTLEMENTS_MAX
from pgqueue.store.settlements import Settlement
from pgqueue.store.statement import run


def services(every_seconds: float = 60.0) -> list[Service]:
    """The service `rescue`, which is requested whenever a worker of this supervisor ends.

    Its interval is for workers whose end no supervisor saw, and for workers without a row.
    """
    return [Service("rescue", every_seconds, rescue, is_shared=True)]


def rescue(link: Link) -> bool:
    """Settle all jobs whose worker has ended; False: there is no more to do at once."""
    after_id = 0
    while orphaned := run(link, orphans.orphaned(after_id, SETTLEMENTS_MAX)):
        details = {job.id: job.detail for job in orphaned}
        for attempt in settle_attempts(link, list(map(_ended, orphaned))):
            settlement = attempt.settlement
            emit(
                JobRescued(
                    job_id=settlement.id,
                    attempt=settlement.attempt,
                    task=attempt.task,
                    outcome=settlement.outcome,
                    detail=details[settlement.id],
                )
            )
        after_id = orphaned[-1].id
    return False


def _ended(job: OrphanedJob) -> EndedAttempt:
    settlement = Settlement(
        job.id,
        job.attempt,
        job.worker_id,
        job.outcome,
        waited_seconds=0.0 if job.is_started else None,
    )
    match job.outcome:
        case Outcome.TIMED_OUT:
            settlement.error_type = "JobTimeout"
            settlement.error_message = (
                f"The job ran past its timeout of {job.timeout_seconds:g} s and did not react to "
                f"JobTimeout; {job.detail}"
            )
        case Outcome.LOST:
            settlement.error_type = "WorkerLost"
            settlement.error_message = (
                f"Worker {job.worker_id} ended while it ran the job: {job.detail}"
            )
        case _:
            settlement.error_type = "JobInterrupted"
            settlement.error_message = f"Worker {job.worker_id} was ended: {job.detail}"
    return EndedAttempt(settlement, job.task, job.queue)
