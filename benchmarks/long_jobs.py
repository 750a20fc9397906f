"""The delay of short jobs while one of three workers has long jobs in all of its slots."""

import time
from collections.abc import Mapping
from contextlib import ExitStack

import psycopg

from benchmarks.backlog import insert
from benchmarks.delays import committed, delays
from benchmarks.measurement import Measurement
from benchmarks.server import Server
from benchmarks.tasks import nap, noop
from benchmarks.waiting import wait_until
from benchmarks.worker import serving

_SLOTS = 10
_WORDS = ("--greenlets", str(_SLOTS), "--grace", "0.1")

# Longer than the short jobs arrive.
_LONG_SECONDS = 3_600.0

# So many runs make the average of the worker that of the short jobs.
_SHORT_COUNT = 200

_EVERY_SECONDS = 0.1
_FIRST_COUNT = 20

_RUNNING = "select count(*) from pgqueue.jobs where status = 'running'"
_UNFINISHED = "select count(*) from pgqueue.jobs where status <> 'succeeded'"


def behind_long_jobs(server: Server, *, count: int) -> Mapping[str, Measurement]:
    """Seconds from COMMIT to the start, at most, of single short jobs.

    The worker with the long jobs had short ones before, so that it expects short ones.
    """
    with ExitStack() as stack:
        url = stack.enter_context(server.database())
        connection = stack.enter_context(psycopg.connect(url, autocommit=True))

        def count_of(text: str) -> int:
            [(jobs,)] = connection.execute(text.encode()).fetchall()
            return int(jobs)

        stack.enter_context(serving(url, *_WORDS))
        insert(connection, _SHORT_COUNT, task=f"'{noop.name}'")
        wait_until(lambda: not count_of(_UNFINISHED), "the first short jobs have run")
        insert(connection, _SLOTS, task=f"'{nap.name}'", args={"seconds": _LONG_SECONDS})
        wait_until(lambda: count_of(_RUNNING) == _SLOTS, "all slots have a long job")
        for children in (2, 3):
            stack.enter_context(serving(url, *_WORDS, children=children))
        for n in range(_FIRST_COUNT):
            # A new worker plans its statements and resolves the type hints of its tasks first.
            noop.using(connection=connection).enqueue(n)
            time.sleep(_EVERY_SECONDS)
        connection.autocommit = False
        commits = list(committed(connection, count, _EVERY_SECONDS, priority=0))
        return delays(url, {commit.job_id: commit.at for commit in commits}, unit_seconds=1.0)
