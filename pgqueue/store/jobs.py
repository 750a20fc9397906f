"""Read, cancel and retry jobs by id, for `client`; `reports` lists them by filters."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from pgqueue.core.job import Job, Undecodable
from pgqueue.core.lifecycle import JobStatus
from pgqueue.store import columns
from pgqueue.store.statement import Row, Statement


def job(job_id: int) -> Statement[Job | None]:
    """One job; None when there is none with that id."""

    def decode(rows: Sequence[Row]) -> Job | None:
        return job_from(rows[0]) if rows else None

    return Statement("read_job", {"job_id": job_id}, decode)


@dataclass(frozen=True, slots=True)
class JobSelection:
    """The jobs that a cancellation or a retry selects.

    Args:
        ids: The ids of the jobs.
        statuses: The statuses that a job may have when its turn comes; None for any.
        attempts: For each job, the attempt that it must still have; None for any.
    """

    ids: Sequence[int]
    statuses: Sequence[str] | None = None
    attempts: Sequence[int] | None = None

    def batches(self, jobs_max: int) -> "Iterator[JobSelection]":
        """The selection in batches of *jobs_max* jobs."""
        for start in range(0, len(self.ids), jobs_max):
            jobs = slice(start, start + jobs_max)
            attempts = None if self.attempts is None else self.attempts[jobs]
            yield JobSelection(self.ids[jobs], self.statuses, attempts)


def cancel(selection: JobSelection) -> Statement[dict[int, JobStatus | None]]:
    """Cancel jobs; returns the status of each, None for a job that was final or is gone."""
    return _apply_action("cancel", selection)


def retry(selection: JobSelection) -> Statement[dict[int, JobStatus | None]]:
    """Queue jobs again; returns the status of each, None for a job that cannot be retried."""
    return _apply_action("retry", selection)


def _apply_action(verb: str, selection: JobSelection) -> Statement[dict[int, JobStatus | None]]:
    attempts = dict(zip(selection.ids, selection.attempts or repeat(None), strict=False))
    ids = sorted(attempts)
    params = {
        "ids": ids,
        "attempts": [attempts[job_id] for job_id in ids],
        "statuses": None if selection.statuses is None else list(selection.statuses),
    }
    return Statement(verb, params, _statuses)


def job_from(row: Row) -> Job:
    """The job in a row with the columns `columns.JOB`."""
    values = dict(zip(columns.JOB, row, strict=True))
    values["args"] = decoded(values["args"])
    values["status"] = JobStatus(values["status"])
    values["result"] = decoded(values["result"])
    values["tags"] = tuple(values["tags"])
    return Job(**values)


def decoded(text: str | None) -> Any:
    """Decode stored JSON; JSON that Python cannot read becomes `Undecodable`, and not an error."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        return Undecodable(text, str(error))


def _statuses(rows: Sequence[Row]) -> dict[int, JobStatus | None]:
    return {row[0]: JobStatus(row[1]) if row[1] else None for row in rows}
