"""Drain rates of many children, with the jobs in many queues or in one."""

import psycopg

from benchmarks import many_tasks
from benchmarks.backlog import insert
from benchmarks.rate import rate
from benchmarks.server import Server
from benchmarks.waiting import wait_until
from benchmarks.worker import serving

CHILDREN = 50
QUEUES = 1_000

_MANY = f"'many/' || to_char(mod(n, {QUEUES}), 'FM0000')"
_UNFINISHED = "select exists (select from pgqueue.jobs where status in ('queued', 'running'))"


def queues(server: Server, *, count: int, are_many: bool, children: int = CHILDREN) -> float:
    """Jobs a second of a drain that starts when every child is idle.

    Args:
        are_many: Whether the jobs are spread over 1,000 queues; else they are in one.
    """
    words = ("many/", "--processes", str(children))
    queue = _MANY if are_many else "'many/0000'"
    with server.database() as url:
        with (
            serving(url, *words, children=children, tasks="benchmarks.many_tasks"),
            psycopg.connect(url, autocommit=True) as connection,
        ):
            with connection.transaction():
                insert(connection, count, task=many_tasks.NAME, queue=queue)
                connection.execute("select pg_notify('pgqueue.jobs', '')")

            def are_done() -> bool:
                [(are_unfinished,)] = connection.execute(_UNFINISHED).fetchall()
                return not are_unfinished

            wait_until(are_done, f"{count} jobs are done", seconds_max=600.0, pause=0.5)
        return rate(url, count)
