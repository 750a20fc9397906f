"""Takes back the jobs of workers that have ended, whoever started those workers.

Decides from rows alone, so that any supervisor can do it for any other: the worker's row says
how it ended, `stranded.sql` what that means for its jobs, and `settle.sql` what becomes of
them.
"""

import logging

from pgqueue.core.lifecycle import Outcome
from pgqueue.maintenance.service import Service
from pgqueue.store import attempts, upkeep
from pgqueue.store.attempts import Ended
from pgqueue.store.connect import Link
from pgqueue.store.statement import run
from pgqueue.store.upkeep import Stranded

_log = logging.getLogger("pgqueue.rescue")

_JOBS_MAX = 500


def services(every_seconds: float = 60.0) -> list[Service]:
    """`rescue` is asked for after each end of a worker that this supervisor sees.

    Its interval is for ends that nobody saw, and for workers whose row is gone.
    """
    return [Service("rescue", every_seconds, rescue)]


def rescue(link: Link) -> bool:
    """Settle one batch of jobs whose worker has ended; True when there may be more."""
    with link.transaction():
        stranded = run(link, upkeep.stranded(_JOBS_MAX))
        settled = run(link, attempts.settle(map(_ended, stranded)))
    for each in stranded:
        if (each.id, each.attempt) not in settled:
            continue  # it had ended before it was locked
        facts = {"job_id": each.id, "attempt": each.attempt, "outcome": each.outcome.value}
        _log.warning("job rescued", extra={**facts, "detail": each.detail})
    return len(stranded) == _JOBS_MAX


def _ended(job: Stranded) -> Ended:
    waited_seconds = 0.0 if job.is_started else None
    ended = Ended(job.id, job.attempt, job.worker_id, job.outcome, waited_seconds=waited_seconds)
    match job.outcome:
        case Outcome.TIMED_OUT:
            ended.error_type = "JobTimeout"
            ended.error_message = (
                f"The job ran past its timeout of {job.timeout_seconds:g} s and resisted "
                f"JobTimeout; {job.detail}"
            )
        case Outcome.LOST:
            ended.error_type = "WorkerLost"
            ended.error_message = f"Worker {job.worker_id} ended in mid-job: {job.detail}"
        case _:
            ended.error_type = "JobInterrupted"
            ended.error_message = f"Worker {job.worker_id} was ended: {job.detail}"
    return ended
