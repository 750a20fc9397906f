"""Drain rates of a backlog of jobs that do nothing, with every attempt recorded."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import psycopg

from benchmarks.backlog import fill
from benchmarks.rate import rate
from benchmarks.server import Server
from benchmarks.waiting import wait_until
from benchmarks.worker import starting

# A stopping worker finishes its active jobs, and the jobs of a claim that is in flight.
IN_FLIGHT_MAX = 20_000

_LAST = """
select clock_timestamp(), id
from pgqueue.jobs
where status = 'queued' and queue = 'default' and executor = 'greenlet' and not quarantined
order by (- priority), position
offset %s
limit 1
"""
_IS_DONE = "select status = 'succeeded' from pgqueue.jobs where id = %s"
_OTHERS = "select count(*) from pgqueue.attempts where started_at >= %s"


def ours(
    server: Server,
    *,
    count: int,
    words: tuple[str, ...] = (),
    has_snapshot: bool = False,
) -> float:
    """Jobs a second of one drain to the last job.

    Args:
        words: Arguments of the worker's command line.
        has_snapshot: Whether another session keeps a snapshot from before the drain.
    """
    with server.database() as url:
        fill(url, count)
        with open_snapshot(url) if has_snapshot else nullcontext():
            return work_off(url, count, *words)


def beside_many(server: Server, *, count: int, others: int) -> float:
    """Jobs a second of the first *count* jobs of a backlog that all rounds share.

    Args:
        others: The number of queued, of scheduled and of finished jobs at the start.
    """
    url = server.kept("many", lambda url: fill(url, others, scheduled=others, finished=others))
    return work_off(url, count, more=IN_FLIGHT_MAX)


def after_many(server: Server, *, count: int, finished: int) -> float:
    """Jobs a second of one drain beside *finished* finished jobs."""
    url = server.kept("finished", lambda url: fill(url, 0, finished=finished))
    fill(url, count)
    return work_off(url, count)


def work_off(
    url: str,
    count: int,
    *words: str,
    more: int = 0,
    on_poll: Callable[["psycopg.Connection[Any]"], None] = lambda connection: None,
) -> float:
    """Jobs a second of a worker that runs until the first *count* jobs are done.

    Args:
        more: The number of other jobs that may finish meanwhile.
        on_poll: Called about ten times a second, from before the first start to after the last
            end.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        [(since, last)] = connection.execute(_LAST.encode(), [count - 1]).fetchall()

        # The job with the last key ends about last, and a query of one row costs almost nothing.
        def is_last_done() -> bool:
            on_poll(connection)
            [(is_done,)] = connection.execute(_IS_DONE, [last]).fetchall()
            return bool(is_done)

        def are_all_done() -> bool:
            [(ended,)] = connection.execute(_OTHERS, [since]).fetchall()
            return bool(ended >= count)

        with starting(url, *words):
            wait_until(is_last_done, f"job {last} is done")
            wait_until(are_all_done, f"{count} jobs are done", seconds_max=30.0)
            on_poll(connection)
    return rate(url, count, more=more, since=since)


@contextmanager
def open_snapshot(url: str) -> Iterator[None]:
    """Keep a snapshot open during the block: vacuum removes no row that it can see."""
    with psycopg.connect(url) as reader:
        reader.execute("set transaction isolation level repeatable read")
        reader.execute("select count(*) from pgqueue.jobs")
        yield
