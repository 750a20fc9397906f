"""A statement that takes a limited number of jobs, round by round, until none is left.

A thousand jobs are nothing to most databases and too much for some: their logs may be large. What
the server gives up is asked for again with half as many, and a job that it refuses by itself (a
trigger, a constraint of somebody's) is stepped over, so that those behind it get their turn.
"""

import logging
import time
from collections.abc import Callable

from pgqueue.core.portion import Portion
from pgqueue.store.connect import Link
from pgqueue.store.faults import BAD_DATA, TOO_MUCH
from pgqueue.store.statement import Statement, run

_log = logging.getLogger("pgqueue.rounds")

# How long those that were refused are stepped over before they are asked for again.
_REFUSED_SECONDS = 60.0


class Rounds:
    """Takes rounds of one statement.

    Args:
        statement: Made for a number of jobs behind those that are stepped over; its answer is how
            many it took.
        jobs_max: As many as a round ever takes.
    """

    def __init__(self, statement: Callable[[int, int], Statement[int]], jobs_max: int) -> None:
        self._statement = statement
        self._portion = Portion(jobs_max)
        self._stepped_over = 0
        self._refused_at = 0.0

    def take(self, link: Link) -> bool:
        """Take one round; True when there may be more.

        Raises:
            psycopg.Error: It failed, and not because of what it would have taken.
        """
        if time.monotonic() - self._refused_at > _REFUSED_SECONDS:
            self._stepped_over = 0
        asked = self._portion.size
        statement = self._statement(asked, self._stepped_over)
        try:
            taken = run(link, statement)
        except (*TOO_MUCH, *BAD_DATA) as error:
            if not link.is_usable:
                raise
            if not self._portion.halve(asked):
                self._step_over(statement.file, error)
            return True
        self._portion.grow()
        return taken == asked

    def _step_over(self, file: str, error: Exception) -> None:
        self._stepped_over += 1
        self._refused_at = time.monotonic()
        reason = str(error).strip().partition("\n")[0]
        facts = {"statement": file, "stepped_over": self._stepped_over, "reason": reason}
        _log.error("job refused, stepped over", extra=facts)
