"""Delays from the moment a job should begin to the moment it did, by the machine's one clock."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import psycopg

from benchmarks.backlog import fill
from benchmarks.patience import until
from benchmarks.place import Place
from benchmarks.reading import Reading, percentile
from benchmarks.tasks import nap, noop, stamp
from benchmarks.worker import serving

_PRIORITY_MAX = 100
_NAP_SECONDS = 0.01
_SATURATED_COUNT = 1_000
_FIRST_COUNT = 20

# A job that falls due is due a while after it was enqueued, so that all were by then.
_AHEAD_SECONDS = 3.0
_ENQUEUE_SECONDS_MAX = 0.01

_LEFT = "select count(*) from pgqueue.jobs where task = %s and status <> 'succeeded'"
_STARTS = "select id, result::bigint from pgqueue.jobs where task = %s and status = 'succeeded'"
_ENDED = "select count(*) from pgqueue.attempts"


class _Commit(NamedTuple):
    """When COMMIT was sent, in nanoseconds, and how long it took."""

    job_id: int
    at: int
    milliseconds: float


def when_idle(place: Place, *, count: int, every_seconds: float) -> Mapping[str, Reading]:
    """Milliseconds from the call of COMMIT to the start, of single jobs for an idle worker."""
    with place.database() as url, serving(url), psycopg.connect(url) as connection:
        for n in range(_FIRST_COUNT):
            # A worker that has just begun plans its statements and reads the hints of its tasks.
            noop.using(connection=connection).enqueue(n)
            connection.commit()
            time.sleep(every_seconds)
        commits = list(_committed(connection, count, every_seconds, priority=0))
        own = [commit.milliseconds for commit in commits]
        delays = _delays(url, {each.job_id: each.at for each in commits}, unit_seconds=1e-3)
        return {**delays, "commit": Reading(percentile(own, 50), samples=own)}


def when_saturated(
    place: Place, *, count: int, every_seconds: float, others: int
) -> Mapping[str, Reading]:
    """The same of jobs of the highest priority, before which so many others are queued."""
    with place.database() as url:
        fill(url, others, task=f"'{nap.name}'", args={"seconds": _NAP_SECONDS})
        with serving(url), psycopg.connect(url, autocommit=True) as watching:

            def is_saturated() -> bool:
                [(ended,)] = watching.execute(_ENDED).fetchall()
                return bool(ended >= min(_SATURATED_COUNT, others // 4))

            until(is_saturated, "the worker is saturated")
            with psycopg.connect(url) as connection:
                commits = list(_committed(connection, count, every_seconds, _PRIORITY_MAX))
            delays = _delays(url, {each.job_id: each.at for each in commits}, unit_seconds=1e-3)
            [(left,)] = watching.execute(_LEFT, [nap.name]).fetchall()
            if not left:
                raise ValueError("The worker ran out of other jobs.")
            return delays


def when_due(place: Place, *, count: int, every_seconds: float) -> Mapping[str, Reading]:
    """Seconds from the set time to the start, of jobs that fall due one after the other."""
    with place.database() as url, serving(url), psycopg.connect(url) as connection:
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
        return _delays(url, due, unit_seconds=1.0)


def _committed(
    connection: "psycopg.Connection[tuple[object, ...]]",
    count: int,
    every_seconds: float,
    priority: int,
) -> Iterator[_Commit]:
    for n in range(count):
        # Never in step with anything that happens every so often.
        time.sleep(every_seconds * (0.5 + (n * 0.618034) % 1.0))
        job = stamp.using(connection=connection, priority=priority).enqueue(n)
        at = time.time_ns()
        connection.commit()
        yield _Commit(job.id, at, milliseconds=(time.time_ns() - at) / 1e6)


def _delays(url: str, expected: Mapping[int, int], *, unit_seconds: float) -> Mapping[str, Reading]:
    with psycopg.connect(url, autocommit=True) as connection:

        def are_over() -> bool:
            [(left,)] = connection.execute(_LEFT, [stamp.name]).fetchall()
            return not left

        until(are_over, "all jobs that tell their start have run", seconds_max=60.0)
        started: dict[int, int] = dict(connection.execute(_STARTS, [stamp.name]).fetchall())
    if started.keys() != expected.keys():
        raise ValueError(f"{len(started)} jobs started, of {len(expected)}.")
    samples = [(started[job] - at) * 1e-9 / unit_seconds for job, at in expected.items()]
    return {
        f"p{percent}": Reading(percentile(samples, percent), samples=samples)
        for percent in (50, 99)
    }
