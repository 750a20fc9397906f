"""Rates of many children, with their jobs in many queues or in one."""

import psycopg

from benchmarks import crowd
from benchmarks.backlog import insert
from benchmarks.patience import until
from benchmarks.place import Place
from benchmarks.rate import rate
from benchmarks.worker import serving

CHILDREN = 50
QUEUES = 1_000

_MANY = f"'crowd/' || to_char(mod(n, {QUEUES}), 'FM0000')"
_LEFT = "select exists (select from pgqueue.jobs where status in ('queued', 'running'))"


def queues(place: Place, *, count: int, are_many: bool, children: int = CHILDREN) -> float:
    """Jobs a second of a drain that begins when every child waits for work.

    Args:
        are_many: Whether the jobs are spread over 1,000 queues; else they are in one.
    """
    words = ("crowd/", "--processes", str(children))
    queue = _MANY if are_many else "'crowd/0000'"
    with place.database() as url:
        with (
            serving(url, *words, children=children, tasks="benchmarks.crowd"),
            psycopg.connect(url, autocommit=True) as connection,
        ):
            with connection.transaction():
                insert(connection, count, task=crowd.NAME, queue=queue)
                connection.execute("select pg_notify('pgqueue.jobs', '')")

            def are_over() -> bool:
                [(is_left,)] = connection.execute(_LEFT).fetchall()
                return not is_left

            until(are_over, f"{count} jobs are done", seconds_max=600.0, pause=0.5)
        return rate(url, count)
