"""Takes back the jobs of workers that have ended, whoever started those workers.

Decides from rows alone, so that any supervisor can do it for any other: the worker's row says
how it ended, `stranded.sql` what that means for its jobs, and `settle.sql` what becomes of
them.
"""

import logging
import time

from pgqueue.core.lifecycle import Outcome
from pgqueue.maintenance.service import Service
from pgqueue.store import attempts, processes, upkeep
from pgqueue.store.attempts import Ended
from pgqueue.store.connect import Link
from pgqueue.store.statement import run
from pgqueue.store.upkeep import Stranded

_log = logging.getLogger("pgqueue.rescue")

_JOBS_MAX = 500


def services(
    *,
    lease_seconds: float,
    silent_every_seconds: float = 5.0,
    rescue_every_seconds: float = 60.0,
) -> list[Service]:
    """`silent` gives up workers whose lease ended; `rescue` takes back the jobs of ended ones.

    Args:
        lease_seconds: Whoever just came back from an outage of the database gives nobody up for
            so long: the others could not renew their leases either.

    `rescue` is asked for after each end that this supervisor sees; its interval is for ends
    that nobody saw, and for workers whose row is gone.
    """

    def silent(link: Link) -> bool:
        seconds = time.monotonic() - link.reachable_since
        return seconds >= lease_seconds and give_up_silent(link)

    return [
        Service("silent", silent_every_seconds, silent),
        Service("rescue", rescue_every_seconds, rescue),
    ]


def give_up_silent(link: Link) -> bool:
    """Bury the workers whose lease ended, and rescue at once when there were any."""
    buried = run(link, processes.bury_silent())
    if buried:
        _log.warning("workers given up", extra={"worker_ids": buried})
        while rescue(link):
            pass
    return False


def rescue(link: Link) -> bool:
    """Settle one batch of jobs whose worker has ended; True when there may be more."""
    with link.transaction():
        stranded = run(link, upkeep.stranded(_JOBS_MAX))
        if stranded:
            run(link, attempts.settle(map(_ended, stranded)))
    for each in stranded:
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
