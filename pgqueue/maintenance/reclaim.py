"""Returns jobs to the queue that wait in a worker which cannot start them: a job blocks its thread.

Unlike a rescue this needs more than rows: only the worker's supervisor knows that the worker
starts none of them.
"""

from collections import deque

from pgqueue.core.events.event import emit
from pgqueue.core.events.jobs import JobsReclaimed
from pgqueue.core.lifecycle import Outcome
from pgqueue.maintenance.service import Service
from pgqueue.maintenance.settling import EndedAttempt, settle_attempts
from pgqueue.process.blocked_thread import Reclaim
from pgqueue.store import claims
from pgqueue.store.claims import OwnedAttempt
from pgqueue.store.connection.link import Link
from pgqueue.store.settlements import NOT_STARTED, Settlement
from pgqueue.store.statement import run


class Reclaims:
    """The requests to reclaim jobs that are open.

    Any thread may add one; only maintenance removes them.
    """

    def __init__(self) -> None:
        self._requests = deque[Reclaim]()

    def add(self, reclaim: Reclaim) -> None:
        """Reclaim jobs at each run of the service, until the request is closed."""
        self._requests.append(reclaim)

    def service(self) -> Service:
        """The service `reclaim`, which is requested after each `add`.

        Its interval is for jobs that a run could not reclaim: a claim may have been in flight, or
        another transaction may have locked a job.
        """
        return Service("reclaim", 5.0, self.run, is_wanted=lambda: bool(self._requests))

    def run(self, link: Link) -> bool:
        """Reclaim the jobs of every open request; False: there is no more to do at once."""
        for _ in range(len(self._requests)):
            reclaim = self._requests.popleft()
            if reclaim.is_open:
                # Before the work: a request that fails must not keep the others waiting.
                self._requests.append(reclaim)
                _reclaim(link, reclaim)
        return False


def _reclaim(link: Link, reclaim: Reclaim) -> None:
    claimed = run(link, claims.claims_of(reclaim.worker_id))
    if not reclaim.is_open:
        return  # the jobs may have been claimed after the request was closed, and may run
    waiting = [
        _interrupted(attempt, reclaim.blocking_job_id)
        for attempt in claimed
        if attempt.id not in reclaim.started_job_ids
    ]
    job_count = sum(1 for _ in settle_attempts(link, waiting))
    if job_count:
        emit(JobsReclaimed(worker_id=reclaim.worker_id, job_count=job_count))


def _interrupted(claimed: OwnedAttempt, blocking_job_id: int) -> EndedAttempt:
    settlement = Settlement(
        claimed.id,
        claimed.attempt,
        claimed.worker_id,
        Outcome.INTERRUPTED,
        error_type=NOT_STARTED,
        error_message=f"It waited behind job {blocking_job_id}, which blocked its worker.",
    )
    return EndedAttempt(settlement, claimed.task, claimed.queue)
