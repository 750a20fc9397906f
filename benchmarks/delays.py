"""Delays from the moment a job should start to its start, by the clock of the machine."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import psycopg

from benchmarks.backlog import fill
from benchmarks.measurement import Measurement, percentile
from benchmarks.server import Server
from benchmarks.tasks import nap, noop, stamp
from benchmarks.waiting import wait_until
from benchmarks.worker import serving

_PRIORITY_MAX = 100
_NAP_SECONDS = 0.01
_SATURATED_COUNT = 1_000
_FIRST_COUNT = 20

# The first job is due after this time, so that all are enqueued before it.
_AHEAD_SECONDS = 3.0
_ENQUEUE_SECONDS_MAX = 0.01

_REMAINING = "select count(*) from pgqueue.jobs where task = %s and status <> 'succeeded'"
_STARTS = "select id, result::bigint from pgqueue.jobs where task = %s and status = 'succeeded'"
_ENDED = "select count(*) from pgqueue.attempts"


class _Commit(NamedTuple):
    """The moment when COMMIT was sent, in nanoseconds, and its duration."""

    job_id: int
    at: int
    milliseconds: float


def when_idle(server: Server, *, count: int, every_seconds: float) -> Mapping[str, Measurement]:
    """Milliseconds from the call of COMMIT to the start, of single jobs for an idle worker."""
    with server.database() as url, serving(url), psycopg.connect(url) as connection:
        for n in range(_FIRST_COUNT):
            # A new worker plans its statements and resolves the type hints of its tasks first.
            noop.using(connection=connection).enqueue(n)
            connection.commit()
            time.sleep(every_seconds)
        commits = list(committed(connection, count, every_seconds, priority=0))
        own = [commit.milliseconds for commit in commits]
        starts = delays(url, {commit.job_id: commit.at for commit in commits}, unit_seconds=1e-3)
        return {**starts, "commit": Measurement(percentile(own, 50), samples=own)}


def when_saturated(
    server: Server, *, count: int, every_seconds: float, others: int
) -> Mapping[str, Measurement]:
    """Milliseconds from COMMIT to the start, of urgent jobs while *others* jobs are queued."""
    with server.database() as url:
        fill(url, others, task=f"'{nap.name}'", args={"seconds": _NAP_SECONDS})
        with serving(url), psycopg.connect(url, autocommit=True) as watching:

            def is_saturated() -> bool:
                [(ended,)] = watching.execute(_ENDED).fetchall()
                return bool(ended >= min(_SATURATED_COUNT, others // 4))

            wait_until(is_saturated, "the worker is saturated")
            with psycopg.connect(url) as connection:
                commits = list(committed(connection, count, every_seconds, _PRIORITY_MAX))
            starts = delays(
                url, {commit.job_id: commit.at for commit in commits}, unit_seconds=1e-3
            )
            [(remaining,)] = watching.execute(_REMAINING, [nap.name]).fetchall()
            if not remaining:
                raise ValueError("The worker ran out of other jobs.")
            return starts


def when_due(server: Server, *, count: int, every_seconds: float) -> Mapping[str, Measurement]:
    """Seconds from the set time to the start, of jobs that are due one after the other."""
    with server.database() as url, serving(url), psycopg.connect(url) as connection:
        ahead = _AHEAD_SECONDS + count * _ENQUEUE_SECONDS_MAX
        first = datetime.now(UTC) + timedelta(seconds=ahead)
        due = {}
        for n in range(count):
            at = first + timedelta(seconds=n * every_seconds)
            job = stamp.using(connection=connection, run_after=at).enqueue(n)
            due[job.id] = round(at.timestamp() * 1e9)
        connection.commit()
        if datetime.now(UTC) >= first:
            raise ValueError("The first job was due before the last was enqueued.")
        return delays(url, due, unit_seconds=1.0)


def committed(
    connection: "psycopg.Connection[tuple[object, ...]]",
    count: int,
    every_seconds: float,
    priority: int,
) -> Iterator[_Commit]:
    """Commit *count* jobs one by one, and yield each commit."""
    for n in range(count):
        # An even pause could stay in step with a poll of the worker.
        time.sleep(every_seconds * (0.5 + (n * 0.618034) % 1.0))
        job = stamp.using(connection=connection, priority=priority).enqueue(n)
        at = time.time_ns()
        connection.commit()
        yield _Commit(job.id, at, milliseconds=(time.time_ns() - at) / 1e6)


def delays(
    url: str, expected: Mapping[int, int], *, unit_seconds: float
) -> Mapping[str, Measurement]:
    """The percentiles of the delays of `stamp` jobs, by key; `p100` is the longest.

    Args:
        expected: The nanosecond at which each job should start, by the id of the job.
        unit_seconds: The unit of the values.
    """
    with psycopg.connect(url, autocommit=True) as connection:

        def are_done() -> bool:
            [(remaining,)] = connection.execute(_REMAINING, [stamp.name]).fetchall()
            return not remaining

        wait_until(are_done, "all jobs that return their start have run", seconds_max=60.0)
        starts: dict[int, int] = dict(connection.execute(_STARTS, [stamp.name]).fetchall())
    if starts.keys() != expected.keys():
        raise ValueError(f"{len(starts)} jobs started, of {len(expected)}.")
    samples = [(starts[job] - at) * 1e-9 / unit_seconds for job, at in expected.items()]
    return {
        f"p{percent}": Measurement(percentile(samples, percent), samples=samples)
        for percent in (50, 99, 100)
    }
