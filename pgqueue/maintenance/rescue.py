"""Takes back the jobs of workers that have ended, whoever started those workers.

Decides from rows alone, so that any supervisor can do it for any other: the worker's row says
how it ended, `find_orphaned.sql` what that means for its jobs, and `settle.sql` what becomes of
them.
"""

import logging
from collections.abc import Sequence

from pgqueue.core.lifecycle import Outcome
from pgqueue.maintenance.service import Service
from pgqueue.store import orphans
from pgqueue.store.connection.link import Link
from pgqueue.store.orphans import OrphanedJob
from pgqueue.store.settlement_batches import SETTLEMENTS_MAX, settle_in_batches
from pgqueue.store.settlements import Settlement
from pgqueue.store.statement import run

_log = logging.getLogger("pgqueue.rescue")


def services(every_seconds: float = 60.0) -> list[Service]:
    """`rescue` is asked for after each end of a worker that this supervisor sees.

    Its interval is for ends that nobody saw, and for workers whose row is gone.
    """
    return [Service("rescue", every_seconds, rescue)]


def rescue(link: Link) -> bool:
    """Settle all jobs whose worker has ended; there is never more to do at once."""
    after_id = 0
    while stranded := run(link, orphans.orphaned(after_id, SETTLEMENTS_MAX)):
        _settle(link, stranded)
        after_id = stranded[-1].id
    return False


def _settle(link: Link, stranded: Sequence[OrphanedJob]) -> None:
    for count, answer in settle_in_batches(link, list(map(_ended, stranded))):
        jobs, stranded = stranded[:count], stranded[count:]
        for job in jobs:
            facts = {"job_id": job.id, "attempt": job.attempt, "outcome": job.outcome.value}
            if isinstance(answer, Exception):
                _log.error("job not rescued", extra={**facts, "reason": str(answer)})
            elif answer.get((job.id, job.attempt)) is not None:
                _log.warning("job rescued", extra={**facts, "detail": job.detail})


def _ended(job: OrphanedJob) -> Settlement:
    waited_seconds = 0.0 if job.is_started else None
    ended = Settlement(
        job.id, job.attempt, job.worker_id, job.outcome, waited_seconds=waited_seconds
    )
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
