"""Write and read the log lines of attempts."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from pgqueue.core.job import LogLine
from pgqueue.store.statement import Statement, count


@dataclass(frozen=True, slots=True)
class NewLogLine:
    """A line that a task logged, `age_seconds` before it is written.

    `number` is its place among the lines of its attempt, from 1.
    """

    id: int
    attempt: int
    worker_id: int
    age_seconds: float
    level: str
    logger: str
    message: str
    number: int


def add_log_lines(lines: Iterable[NewLogLine]) -> Statement[int]:
    """Add log lines of active attempts; a line that is added twice is stored once."""
    rows = [
        {
            "id": line.id,
            "attempt": line.attempt,
            "worker_id": line.worker_id,
            "age_seconds": line.age_seconds,
            "level": line.level,
            "logger": line.logger,
            "message": line.message,
            "number": line.number,
        }
        for line in lines
    ]
    return Statement("add_log_lines", {"lines": json.dumps(rows)}, count)


def logs_of(job_id: int, *, after: int, lines_max: int) -> Statement[list[LogLine]]:
    """Log lines of a job whose id is larger than *after*, oldest first."""
    params = {"job_id": job_id, "after": after, "lines_max": lines_max}
    return Statement("list_logs", params, lambda rows: [LogLine(*row) for row in rows])


def last_logs_of(job_id: int, *, lines_max: int) -> Statement[list[LogLine]]:
    """The last log lines of a job, oldest first."""
    params = {"job_id": job_id, "lines_max": lines_max}
    return Statement("list_last_logs", params, lambda rows: [LogLine(*row) for row in rows])
