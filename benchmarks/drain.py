"""Rates at which a backlog of jobs that do nothing is worked off, every attempt recorded."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import psycopg

from benchmarks.backlog import fill
from benchmarks.patience import until
from benchmarks.place import Place
from benchmarks.rate import rate
from benchmarks.worker import starting

# A worker that is told to stop ends what it has in hand, and what it claims at that moment.
IN_HAND_MAX = 20_000

_LAST = """
select clock_timestamp(), id
from pgqueue.jobs
where status = 'queued' and queue = 'default' and executor = 'greenlet' and not quarantined
order by (- priority), position
offset %s
limit 1
"""
_IS_OVER = "select status = 'succeeded' from pgqueue.jobs where id = %s"
_OTHERS = "select count(*) from pgqueue.attempts where started_at >= %s"


def ours(
    place: Place,
    *,
    count: int,
    words: tuple[str, ...] = (),
    is_held: bool = False,
) -> float:
    """Jobs a second of one drain to the last job.

    Args:
        words: Of the worker's command line.
        is_held: Whether somebody holds a snapshot from before it.
    """
    with place.database() as url:
        fill(url, count)
        with snapshot_held(url) if is_held else nullcontext():
            return work_off(url, count, *words)


def beside_many(place: Place, *, count: int, others: int) -> float:
    """Jobs a second of the first so many, out of a backlog that stays from round to round.

    Args:
        others: How many are queued, how many are scheduled, and how many are finished.
    """
    url = place.kept("many", lambda url: fill(url, others, scheduled=others, finished=others))
    return work_off(url, count, more=IN_HAND_MAX)


def after_many(place: Place, *, count: int, finished: int) -> float:
    """Jobs a second of one drain, when so many were finished before."""
    url = place.kept("finished", lambda url: fill(url, 0, finished=finished))
    fill(url, count)
    return work_off(url, count)


def work_off(
    url: str,
    count: int,
    *words: str,
    more: int = 0,
    look: Callable[["psycopg.Connection[Any]"], None] = lambda connection: None,
) -> float:
    """Jobs a second of a worker that runs until the first so many are done.

    Args:
        more: How many others may be done meanwhile.
        look: Called about ten times a second, from before the first start to after the last end.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        [(since, last)] = connection.execute(_LAST.encode(), [count - 1]).fetchall()

        # The last of them ends about last, and to ask for one row costs the server nothing.
        def is_last_over() -> bool:
            look(connection)
            [(is_over,)] = connection.execute(_IS_OVER, [last]).fetchall()
            return bool(is_over)

        def are_all_over() -> bool:
            [(ended,)] = connection.execute(_OTHERS, [since]).fetchall()
            return bool(ended >= count)

        with starting(url, *words):
            until(is_last_over, f"job {last} is done")
            until(are_all_over, f"{count} jobs are done", seconds_max=30.0)
            look(connection)
    return rate(url, count, more=more, since=since)


@contextmanager
def snapshot_held(url: str) -> Iterator[None]:
    """Meanwhile somebody reads, and keeps what was there from being vacuumed."""
    with psycopg.connect(url) as reader:
        reader.execute("set transaction isolation level repeatable read")
        reader.execute("select count(*) from pgqueue.jobs")
        yield
