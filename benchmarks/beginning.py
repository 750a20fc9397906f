"""What one worker takes before it has done anything: time to its first job, and memory."""

import re
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg

from benchmarks.patience import until
from benchmarks.place import Place
from benchmarks.reading import Reading
from benchmarks.tasks import stamp
from benchmarks.worker import serving, starting

_REST_SECONDS = 2.0
_PSS = re.compile(r"^Pss:\s+(\d+) kB$", re.MULTILINE)
_CHILD = "select pid from pgqueue.workers where stopped_at is null"
_STARTED = "select result::bigint from pgqueue.jobs where status = 'succeeded'"


def beginning(place: Place) -> Mapping[str, Reading]:
    """Megabytes of a child at rest, and seconds from the worker's exec to the first job."""
    return {"memory": Reading(_megabytes(place)), "start": Reading(_seconds_to_first_job(place))}


def _megabytes(place: Place) -> float:
    """Of one child without modules of a user: its share of what it has in common included."""
    with place.database() as url, serving(url, tasks=""), psycopg.connect(url) as connection:
        [(pid,)] = connection.execute(_CHILD).fetchall()
        time.sleep(_REST_SECONDS)
        [kibibytes] = _PSS.findall(Path(f"/proc/{pid}/smaps_rollup").read_text())
    return int(kibibytes) * 1024 / 1e6


def _seconds_to_first_job(place: Place) -> float:
    with place.database() as url, psycopg.connect(url, autocommit=True) as connection:
        stamp.using(connection=connection).enqueue(0)
        began_at = time.time_ns()
        with starting(url):
            until(
                lambda: bool(connection.execute(_STARTED).fetchall()),
                "the first job has run",
                seconds_max=60.0,
            )
        [(started_at,)] = connection.execute(_STARTED).fetchall()
    return (int(started_at) - began_at) / 1e9
