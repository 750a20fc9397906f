"""What people and programs ask about jobs by id: insert, read, cancel, retry, and their story.

Statements only, for `client`; what workers ask is in `attempts`, lists by filters in `reports`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat
from typing import Any

from pgqueue.core.job import Attempt, Job, LogLine, Undecodable, made_later
from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.core.new_job import NewJob
from pgqueue.store.statement import Row, Statement

RunAfter = float | datetime | None
"""Seconds from the insert, or an aware moment; None for at once."""


def enqueue(new: NewJob) -> Statement[Job]:
    """Insert one job; it exists if and only if the surrounding transaction commits."""
    params: dict[str, object] = new._asdict()
    params["run_at"] = run_at(new.run_after)
    params["run_after_seconds"] = run_after_seconds(new.run_after)
    # psycopg writes out a list in as many steps as all else, and most have no tags.
    params["tags"] = list(new.tags) or "{}"

    def decode(rows: Sequence[Row]) -> Job:
        [row] = rows
        return made_later(lambda: _inserted(new, row))

    return Statement("enqueue", params, decode)


def _inserted(new: NewJob, row: Row) -> Job:
    job_id, status, position, due_at, expires_at, created_at, _ = row
    return Job(
        id=job_id,
        queue=new.queue,
        task=new.task,
        args=decoded(new.args),
        status=JobStatus(status),
        priority=new.priority,
        position=position,
        run_at=due_at,
        executor=new.executor,
        delivery=new.delivery,
        attempt=0,
        failure_count=0,
        lost_count=0,
        max_attempts=new.max_attempts,
        timeout_seconds=new.timeout_seconds,
        deadline_at=None,
        expires_at=expires_at,
        worker_id=None,
        created_at=created_at,
        started_at=None,
        finished_at=None,
        result=None,
        error=None,
        progress=None,
        progress_message=None,
        unique_key=None,
        concurrency_key=None,
        ordering_key=None,
        tags=new.tags,
    )


def enqueue_by_name(
    task: str, args: str, *, run_after: RunAfter, options: Mapping[str, object]
) -> Statement[Job]:
    """Insert one job with the options recorded for its task, and answer with it.

    Args:
        args: JSON text of one object.
        options: Columns of the row that replace what was recorded.
    """
    params = {
        "task": task,
        "args": args,
        "run_at": run_at(run_after),
        "run_after_seconds": run_after_seconds(run_after),
        "options": json.dumps(options),
    }
    return Statement("enqueue_by_name", params, lambda rows: job_from(rows[0]))


def job(job_id: int) -> Statement[Job | None]:
    """One job; None when there is none with that id."""

    def decode(rows: Sequence[Row]) -> Job | None:
        return job_from(rows[0]) if rows else None

    return Statement("job", {"job_id": job_id}, decode)


def attempts(job_id: int) -> Statement[list[Attempt]]:
    """The settled attempts of a job, first to last."""

    def decode(rows: Sequence[Row]) -> list[Attempt]:
        return [_attempt_from(row) for row in rows]

    return Statement("attempts", {"job_id": job_id}, decode)


def logs(job_id: int, *, after: int, lines_max: int) -> Statement[list[LogLine]]:
    """Log lines of a job whose id is larger than *after*, oldest first."""
    params = {"job_id": job_id, "after": after, "lines_max": lines_max}
    return Statement("logs", params, lambda rows: [LogLine(*row) for row in rows])


def last_logs(job_id: int, *, lines_max: int) -> Statement[list[LogLine]]:
    """The last log lines of a job, oldest first."""
    params = {"job_id": job_id, "lines_max": lines_max}
    return Statement("last_logs", params, lambda rows: [LogLine(*row) for row in rows])


@dataclass(frozen=True, slots=True)
class Meant:
    """The jobs that somebody wants to cancel or to retry.

    Args:
        ids: Them.
        statuses: Only those which have one of these when it is done; None for any.
        attempts: For each, the number that it must still have; None for any.
    """

    ids: Sequence[int]
    statuses: Sequence[str] | None = None
    attempts: Sequence[int] | None = None

    def portions(self, jobs_max: int) -> "Iterator[Meant]":
        """The same jobs, some at a time."""
        for start in range(0, len(self.ids), jobs_max):
            some = slice(start, start + jobs_max)
            attempts = None if self.attempts is None else self.attempts[some]
            yield Meant(self.ids[some], self.statuses, attempts)


def cancel(meant: Meant) -> Statement[dict[int, JobStatus | None]]:
    """Cancel jobs; the answer is the status of each, None where it was final or is gone."""
    return _steer("cancel", meant)


def retry(meant: Meant) -> Statement[dict[int, JobStatus | None]]:
    """Queue jobs again; the answer is the status of each, None where that is not allowed."""
    return _steer("retry", meant)


def _steer(verb: str, meant: Meant) -> Statement[dict[int, JobStatus | None]]:
    asked = dict(zip(meant.ids, meant.attempts or repeat(None), strict=False))
    ids = sorted(asked)
    params = {
        "ids": ids,
        "attempts": [asked[each] for each in ids],
        "statuses": None if meant.statuses is None else list(meant.statuses),
    }
    return Statement(verb, params, _statuses)


def job_from(row: Row) -> Job:
    """The job in a row with the columns of `job.sql`."""
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


def run_at(run_after: RunAfter) -> datetime | None:
    """The moment that *run_after* names, if it names one."""
    return run_after if isinstance(run_after, datetime) else None


def run_after_seconds(run_after: RunAfter) -> float | None:
    """The wait that *run_after* names, if it names one."""
    if run_after is None or isinstance(run_after, datetime):
        return None
    return float(run_after)


def _attempt_from(row: Row) -> Attempt:
    values = list(row)
    values[5] = Outcome(row[5])
    return Attempt(*values)


def _statuses(rows: Sequence[Row]) -> dict[int, JobStatus | None]:
    return {row[0]: JobStatus(row[1]) if row[1] else None for row in rows}
