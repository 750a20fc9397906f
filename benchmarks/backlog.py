"""A backlog: jobs that wait, and others that lie beside them."""

import json
from collections.abc import Mapping

import psycopg
from psycopg import sql

from benchmarks.tasks import noop

_INSERT = """
insert into pgqueue.jobs (task, args, queue, status, run_at, finished_at)
select
  {task},
  %(args)s::jsonb || jsonb_build_object('n', n),
  {queue},
  %(status)s::text,
  clock_timestamp() + case when %(status)s = 'scheduled' then interval '1 day' else '0' end,
  case when %(status)s = 'succeeded' then clock_timestamp() end
from generate_series(1, %(count)s) as n
"""
_DEFAULT_QUEUE = "'default'"


def fill(
    url: str,
    count: int,
    *,
    beside: int = 0,
    task: str = f"'{noop.name}'",
    args: Mapping[str, object] | None = None,
    queue: str = _DEFAULT_QUEUE,
) -> None:
    """Insert jobs, let the planner know of them, and have all of that on the disk.

    Args:
        beside: As many scheduled and as many finished ones, which are not to be run.
        task: The name in SQL; may say `n`, the number of the job.
        args: Beside `n`.
        queue: The name in SQL, likewise.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        for status, jobs in (("succeeded", beside), ("scheduled", beside), ("queued", count)):
            insert(connection, jobs, status=status, task=task, args=args, queue=queue)
        connection.execute("vacuum analyze pgqueue.jobs")
        connection.execute("checkpoint")


def insert(
    connection: "psycopg.Connection[tuple[object, ...]]",
    count: int,
    *,
    status: str = "queued",
    task: str = f"'{noop.name}'",
    args: Mapping[str, object] | None = None,
    queue: str = _DEFAULT_QUEUE,
) -> None:
    """Insert jobs of one status; see `fill`."""
    text = sql.SQL(_INSERT).format(task=sql.SQL(task), queue=sql.SQL(queue))
    params = {"status": status, "count": count, "args": json.dumps(args or {})}
    connection.execute(text, params)
