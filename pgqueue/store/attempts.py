"""What people and programs ask about jobs by id: insert, read, cancel, retry, and their story.

Statements only, for `client`; what workers ask is in `attempts`, lists by filters in `reports`.
"""

from collections.abc import Sequence

from pgqueue.core.job import Attempt
from pgqueue.core.lifecycle import Outcome
from pgqueue.store.statement import Row, Statement


def attempts_of(job_id: int) -> Statement[list[Attempt]]:
    """The settled attempts of a job, first to last."""

    def decode(rows: Sequence[Row]) -> list[Attempt]:
        return [_attempt_from(row) for row in rows]

    return Statement("list_attempts", {"job_id": job_id}, decode)


def _attempt_from(row: Row) -> Attempt:
    values = list(row)
    values[5] = Outcome(row[5])
    return Attempt(*values)
