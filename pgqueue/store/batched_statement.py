"""A statement that takes a limited number of jobs, round by round, until none is left.

A thousand jobs are nothing to most databases and too much for some: their logs may be large. What
the server gives up is asked for again with half as many. A job that it refuses by itself (for a
trigger or a constraint of somebody's) is left out for a minute, so that those behind it get their
turn.
"""

import logging
import time
from collections.abc import Callable, Sequence

from pgqueue.core.adaptive_batch import AdaptiveBatch
from pgqueue.store.connection.link import Link
from pgqueue.store.database_errors import DATA_ERRORS, RESOURCE_ERRORS
from pgqueue.store.statement import Statement, run

_log = logging.getLogger("pgqueue.rounds")

_REFUSED_SECONDS = 60.0

# When more are refused, something is wrong with all of them, and the error is told as it is.
_REFUSED_MAX = 1000


class BatchedStatement:
    """Takes rounds of one statement.

    Args:
        statement: Made for a number of jobs, and for those that are left out; its answer is how
            many it took.
        first: Names the job that it would take first.
        jobs_max: As many as a round ever takes.
    """

    def __init__(
        self,
        statement: Callable[[int, Sequence[int]], Statement[int]],
        first: Callable[[Sequence[int]], Statement[int | None]],
        jobs_max: int,
    ) -> None:
        self._statement = statement
        self._first = first
        self._portion = AdaptiveBatch(jobs_max)
        self._refused_until: dict[int, float] = {}

    def take(self, link: Link) -> bool:
        """Take one round; True when there may be more.

        Raises:
            psycopg.Error: It failed, and not because of what it would have taken; or one job alone
                took too long.
        """
        now = time.monotonic()
        self._refused_until = {
            job_id: until for job_id, until in self._refused_until.items() if until > now
        }
        asked = self._portion.size
        try:
            taken = run(link, self._statement(asked, list(self._refused_until)))
        except (*RESOURCE_ERRORS, *DATA_ERRORS) as error:
            if not link.is_usable:
                raise
            if not self._portion.halve(asked):
                self._leave_out(link, error)
            return True
        self._portion.grow()
        return taken == asked

    def _leave_out(self, link: Link, error: Exception) -> None:
        job_id = None
        if isinstance(error, DATA_ERRORS) and len(self._refused_until) < _REFUSED_MAX:
            job_id = run(link, self._first(list(self._refused_until)))
        if job_id is None:
            raise error
        self._refused_until[job_id] = time.monotonic() + _REFUSED_SECONDS
        reason = str(error).strip().partition("\n")[0]
        _log.error("job refused, left out", extra={"job_id": job_id, "reason": reason})
