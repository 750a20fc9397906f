"""Rates at which a backlog of jobs that do nothing is worked off, every attempt recorded."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import psycopg

from benchmarks.place import Place

HERE = Path(__file__).parent

_RATE = """
select count(*), count(*) / extract(epoch from max(finished_at) - min(started_at))::float8
from pgqueue.attempts
where outcome = 'succeeded'
"""
_FILL = """
insert into pgqueue.jobs (task, args, status, run_at, finished_at)
select 'benchmarks.tasks.noop', jsonb_build_object('n', n), %(status)s::text,
  clock_timestamp() + case when %(status)s = 'scheduled' then interval '1 day' else '0' end,
  case when %(status)s = 'succeeded' then clock_timestamp() end
from generate_series(1, %(count)s) as n
"""


def fill(url: str, count: int, *, beside: int = 0) -> None:
    """Insert jobs, and let the planner know of them.

    Args:
        beside: As many scheduled and as many finished ones, which are not to be run.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        for status, jobs in (("succeeded", beside), ("scheduled", beside), ("queued", count)):
            connection.execute(_FILL, {"status": status, "count": jobs})
        connection.execute("vacuum analyze pgqueue.jobs")


def work(url: str, *words: str) -> None:
    """Run a worker until nothing is left that is due."""
    subprocess.run(
        [sys.executable, "-m", "pgqueue", "worker", "--burst", *words],
        cwd=HERE.parent,
        env={**os.environ, "PGQUEUE_URL": url, "PGQUEUE_TASKS": "benchmarks.tasks"},
        check=True,
        stderr=subprocess.DEVNULL,
    )


@contextmanager
def snapshot_held(url: str) -> Iterator[None]:
    """Meanwhile somebody reads, and keeps what was there from being vacuumed."""
    with psycopg.connect(url) as reader:
        reader.execute("set transaction isolation level repeatable read")
        reader.execute("select count(*) from pgqueue.jobs")
        yield


def ours(
    place: Place, *, count: int, words: Sequence[str] = (), is_held: bool = False, beside: int = 0
) -> float:
    """Jobs a second of one drain, from its first start to its last end."""
    with place.database() as url:
        fill(url, count, beside=beside)
        with snapshot_held(url) if is_held else nullcontext():
            work(url, *words)
        with psycopg.connect(url) as connection:
            [(done, rate)] = connection.execute(_RATE).fetchall()
    if done != count:
        raise ValueError(f"{done} of {count} jobs succeeded")
    return float(rate)


def reference(place: Place, *, count: int) -> float:
    """Jobs a second of the reference design, driven by pgbench with two clients."""
    with place.database() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute((HERE / "reference.sql").read_bytes())
            connection.execute(
                "insert into reference_jobs (task, args) select 'noop', "
                f"jsonb_build_object('n', n) from generate_series(1, {count}) as n"
            )
            connection.execute("vacuum analyze reference_jobs")
        done = subprocess.run(
            [
                place.programs / "pgbench",
                *("-n", "-c", "2", "-j", "2", "-M", "prepared", "-t", str(count // 200)),
                *("-f", HERE / "reference.pgbench", url),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
    (tps,) = (float(line.split()[2]) for line in done.stdout.splitlines() if line.startswith("tps"))
    return tps * 100
