"""The settled attempts of a job, for people."""

from collections.abc import Sequence

from pgqueue.core.job import Attempt
from pgqueue.core.lifecycle import Outcome
from pgqueue.store import columns
from pgqueue.store.statement import Row, Statement


def attempts_of(job_id: int) -> Statement[list[Attempt]]:
    """The settled attempts of a job, first to last."""

    def decode(rows: Sequence[Row]) -> list[Attempt]:
        return [_attempt_from(row) for row in rows]

    return Statement("list_attempts", {"job_id": job_id}, decode)


def _attempt_from(row: Row) -> Attempt:
    values = dict(zip(columns.ATTEMPT, row, strict=True))
    values["outcome"] = Outcome(values["outcome"])
    return Attempt(**values)
