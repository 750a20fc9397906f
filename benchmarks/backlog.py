"""A backlog: queued jobs, and scheduled or finished jobs beside them."""

import json
from collections.abc import Mapping

import psycopg
from psycopg import sql

from benchmarks.tasks import noop

_INSERT = """
insert into pgqueue.jobs (
  task, args, queue, status, run_at, keep_seconds, attempt, started_at, finished_at, kept_until
)
select
  {task},
  %(args)s::jsonb || jsonb_build_object('n', n),
  {queue},
  %(status)s::text,
  clock_timestamp() + case when %(status)s = 'scheduled' then interval '1 day' else '0' end,
  {keep},
  case when %(status)s = 'succeeded' then 1 else 0 end,
  case when %(status)s = 'succeeded' then clock_timestamp() end,
  case when %(status)s = 'succeeded' then clock_timestamp() end,
  case when %(status)s = 'succeeded' then clock_timestamp() + make_interval(secs => {keep}) end
from generate_series(1, %(count)s) as n
"""
_ATTEMPTS = """
insert into pgqueue.attempts (job_id, attempt, started_at, finished_at, outcome)
select id, attempt, started_at, finished_at, 'succeeded'
from pgqueue.jobs
where status = 'succeeded'
"""
_DEFAULT_QUEUE = "'default'"
_DEFAULT_KEEP = "86400"


def fill(
    url: str,
    count: int,
    *,
    scheduled: int = 0,
    finished: int = 0,
    task: str = f"'{noop.name}'",
    args: Mapping[str, object] | None = None,
    queue: str = _DEFAULT_QUEUE,
    keep: str = _DEFAULT_KEEP,
) -> None:
    """Insert jobs, analyze the tables and write a checkpoint.

    Args:
        scheduled: The number of scheduled jobs to add, which do not run.
        finished: The number of finished jobs to add, with one attempt each.
        task: The name in SQL, which may contain `n`, the number of the job.
        args: The arguments beside `n`.
        queue: The name in SQL, which may contain `n`.
        keep: The seconds in SQL that successes stay, which may contain `n`.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        for status, jobs in (("succeeded", finished), ("scheduled", scheduled), ("queued", count)):
            insert(connection, jobs, status=status, task=task, args=args, queue=queue, keep=keep)
        if finished:
            connection.execute(_ATTEMPTS)
        connection.execute("vacuum analyze pgqueue.jobs, pgqueue.attempts")
        connection.execute("checkpoint")


def insert(
    connection: "psycopg.Connection[tuple[object, ...]]",
    count: int,
    *,
    status: str = "queued",
    task: str = f"'{noop.name}'",
    args: Mapping[str, object] | None = None,
    queue: str = _DEFAULT_QUEUE,
    keep: str = _DEFAULT_KEEP,
) -> None:
    """Insert jobs of one status; see `fill`."""
    text = sql.SQL(_INSERT).format(task=sql.SQL(task), queue=sql.SQL(queue), keep=sql.SQL(keep))
    params = {"status": status, "count": count, "args": json.dumps(args or {})}
    connection.execute(text, params)
