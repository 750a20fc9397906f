"""What people and programs ask about jobs by id: insert, read, cancel, retry, and their story.

Statements only, for `client`; what workers ask is in `attempts`, lists by filters in `reports`.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from pgqueue.core.job import Job, Undecodable
from pgqueue.core.lifecycle import JobStatus
from pgqueue.store.statement import Row, Statement


def job(job_id: int) -> Statement[Job | None]:
    """One job; None when there is none with that id."""

    def decode(rows: Sequence[Row]) -> Job | None:
        return job_from(rows[0]) if rows else None

    return Statement("read_job", {"job_id": job_id}, decode)


@dataclass(frozen=True, slots=True)
class JobSelection:
    """The jobs that somebody wants to cancel or to retry.

    Args:
        ids: Them.
        statuses: Only those which have one of these when it is done; None for any.
        attempts: For each, the number that it must still have; None for any.
    """

    ids: Sequence[int]
    statuses: Sequence[str] | None = None
    attempts: Sequence[int] | None = None

    def portions(self, jobs_max: int) -> "Iterator[JobSelection]":
        """The same jobs, some at a time."""
        for start in range(0, len(self.ids), jobs_max):
            some = slice(start, start + jobs_max)
            attempts = None if self.attempts is None else self.attempts[some]
            yield JobSelection(self.ids[some], self.statuses, attempts)


def cancel(meant: JobSelection) -> Statement[dict[int, JobStatus | None]]:
    """Cancel jobs; the answer is the status of each, None where it was final or is gone."""
    return _apply_action("cancel", meant)


def retry(meant: JobSelection) -> Statement[dict[int, JobStatus | None]]:
    """Queue jobs again; the answer is the status of each, None where that is not allowed."""
    return _apply_action("retry", meant)


def _apply_action(verb: str, meant: JobSelection) -> Statement[dict[int, JobStatus | None]]:
    asked = dict(zip(meant.ids, meant.attempts or repeat(None), strict=False))
    ids = sorted(asked)
    params = {
        "ids": ids,
        "attempts": [asked[each] for each in ids],
        "statuses": None if meant.statuses is None else list(meant.statuses),
    }
    return Statement(verb, params, _statuses)


def job_from(row: Row) -> Job:
    """The job in a row with the columns of `read_job.sql`."""
    values = list(row)
    values[3] = decoded(row[3])
    values[4] = JobStatus(row[4])
    values[21] = decoded(row[21])
    values[28] = tuple(row[28])
    return Job(*values)


def decoded(text: str | None) -> Any:
    """What stored JSON says. What cannot be read spoils neither its row nor a list with it."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        return Undecodable(text, str(error))


def _statuses(rows: Sequence[Row]) -> dict[int, JobStatus | None]:
    return {row[0]: JobStatus(row[1]) if row[1] else None for row in rows}
