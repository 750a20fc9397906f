"""A statement that takes a limited number of jobs, round by round, until none is left.

A thousand jobs are nothing to most databases and too much for some: their logs may be large. What
the server gives up is asked for again with half as many.
"""

from collections.abc import Callable

from pgqueue.core.portion import Portion
from pgqueue.store.connect import Link
from pgqueue.store.faults import TOO_MUCH
from pgqueue.store.statement import Statement, run


class Rounds:
    """Takes rounds of one statement.

    Args:
        statement: Made for a number of jobs; its answer is how many it took.
        jobs_max: As many as a round ever takes.
    """

    def __init__(self, statement: Callable[[int], Statement[int]], jobs_max: int) -> None:
        self._statement = statement
        self._portion = Portion(jobs_max)

    def take(self, link: Link) -> bool:
        """Take one round; True when there may be more.

        Raises:
            psycopg.Error: It failed, and not because it was too much.
        """
        asked = self._portion.size
        try:
            taken = run(link, self._statement(asked))
        except TOO_MUCH:
            if link.is_usable and self._portion.halve(asked):
                return True
            raise
        self._portion.grow()
        return taken == asked
