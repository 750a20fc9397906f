"""Drains whose successes are kept, or deleted at once (`keep=0`)."""

import psycopg

from benchmarks.backlog import fill
from benchmarks.waiting import wait_until
from benchmarks.worker import starting

# The first and the last job are always kept: the drain is timed by their attempts.
_KEEP = "case when n in (1, {count}) then 86400 else {seconds} end"

_IS_OVER = "select status = 'succeeded' from pgqueue.jobs where id = %s"
_ARE_ALL_OVER = "select not exists (select from pgqueue.jobs where status <> 'succeeded')"
_SECONDS = """
select count(*), extract(epoch from max(finished_at) - min(started_at))::float8
from pgqueue.attempts
where job_id in (select min(id) from pgqueue.jobs union all select max(id) from pgqueue.jobs)
"""
_REMAINING = "select count(*) from pgqueue.jobs"


def fill_backlog(url: str, count: int, keep_seconds: int) -> None:
    """Insert the jobs of a drain; see `backlog.fill`."""
    fill(url, count, keep=_KEEP.format(count=count, seconds=keep_seconds))


def work_off(url: str, count: int, keep_seconds: int) -> float:
    """Jobs a second of a worker that runs until all are done.

    Raises:
        ValueError: The number of remaining jobs is not the number to keep.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        [(last,)] = connection.execute("select max(id) from pgqueue.jobs").fetchall()

        def is_true(text: str, *params: int) -> bool:
            [(answer,)] = connection.execute(text.encode(), params).fetchall()
            return bool(answer)

        with starting(url):
            wait_until(lambda: is_true(_IS_OVER, last), f"job {last} is done")
            wait_until(lambda: is_true(_ARE_ALL_OVER), f"{count} jobs are done", seconds_max=30.0)
        [(remaining,)] = connection.execute(_REMAINING).fetchall()
        [(timed, seconds)] = connection.execute(_SECONDS).fetchall()
    if remaining != (count if keep_seconds else 2) or timed != 2:
        raise ValueError(f"Of {count} jobs {remaining} remain, and {timed} were timed.")
    return float(count / seconds)
