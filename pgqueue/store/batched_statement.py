"""A statement that changes a limited number of jobs, run batch by batch until none is left.

A thousand jobs are few for most databases and too many for some: their logs may be large. After an
error for want of resources the batch is halved. A job that the database refuses by itself, for a
trigger or a constraint of the application, is skipped for a minute, so that the jobs behind it get
their turn.
"""

from collections.abc import Callable, Sequence

from pgqueue.core.adaptive_batch import AdaptiveBatch
from pgqueue.core.clock import MONOTONIC, Clock, Timer
from pgqueue.core.events.event import emit
from pgqueue.core.events.jobs import JobSkipped
from pgqueue.store.connection.link import Link
from pgqueue.store.database_errors import DATA_ERRORS, RESOURCE_ERRORS
from pgqueue.store.statement import Statement, run

_SKIPPED_SECONDS = 60.0

# When more are refused, something is wrong with all of them, and the error is raised as it is.
_SKIPPED_MAX = 1000


class BatchedStatement:
    """Runs batches of one statement.

    Args:
        statement: Makes it for a number of jobs, and for the jobs to skip; its answer is how many
            jobs it changed.
        first: Names the job that it would change first.
        jobs_max: Jobs that one batch ever changes.
    """

    def __init__(
        self,
        statement: Callable[[int, Sequence[int]], Statement[int]],
        first: Callable[[Sequence[int]], Statement[int | None]],
        jobs_max: int,
        *,
        clock: Clock = MONOTONIC,
    ) -> None:
        self._statement = statement
        self._first = first
        self._batch = AdaptiveBatch(jobs_max)
        self._clock = clock
        self._skipped: dict[int, Timer] = {}

    def take(self, link: Link) -> bool:
        """Run one batch; returns whether there may be more to do.

        Raises:
            psycopg.Error: The statement failed, and not because of its jobs; or one job alone took
                too long.
        """
        self._skipped = {
            job_id: timer for job_id, timer in self._skipped.items() if not timer.is_due
        }
        size = self._batch.size
        try:
            changed = run(link, self._statement(size, list(self._skipped)))
        except (*RESOURCE_ERRORS, *DATA_ERRORS) as error:
            if not link.is_usable:
                raise
            if not self._batch.halve(size):
                self._skip_first(link, error)
            return True
        self._batch.grow()
        return changed == size

    def _skip_first(self, link: Link, error: Exception) -> None:
        job_id = None
        if isinstance(error, DATA_ERRORS) and len(self._skipped) < _SKIPPED_MAX:
            job_id = run(link, self._first(list(self._skipped)))
        if job_id is None:
            raise error
        self._skipped[job_id] = Timer(self._clock, seconds=_SKIPPED_SECONDS)
        reason = str(error).strip().partition("\n")[0]
        emit(JobSkipped(job_id=job_id, reason=reason))
