"""The cost of one worker before it does any work: seconds to its first job, and memory."""

import re
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg

from benchmarks.measurement import Measurement
from benchmarks.server import Server
from benchmarks.tasks import stamp
from benchmarks.waiting import wait_until
from benchmarks.worker import serving, starting

_REST_SECONDS = 2.0
_PSS = re.compile(r"^Pss:\s+(\d+) kB$", re.MULTILINE)
_CHILD = "select pid from pgqueue.workers where stopped_at is null"
_STARTED = "select result::bigint from pgqueue.jobs where status = 'succeeded'"


def startup(server: Server) -> Mapping[str, Measurement]:
    """Megabytes of an idle child, and seconds from the worker's exec to the first job."""
    return {
        "memory": Measurement(_megabytes(server)),
        "start": Measurement(_seconds_to_first_job(server)),
    }


def _megabytes(server: Server) -> float:
    """The memory of one child without modules of a user, its part of shared pages included."""
    with server.database() as url, serving(url, tasks=""), psycopg.connect(url) as connection:
        [(pid,)] = connection.execute(_CHILD).fetchall()
        time.sleep(_REST_SECONDS)
        [kibibytes] = _PSS.findall(Path(f"/proc/{pid}/smaps_rollup").read_text())
    return int(kibibytes) * 1024 / 1e6


def _seconds_to_first_job(server: Server) -> float:
    with server.database() as url, psycopg.connect(url, autocommit=True) as connection:
        stamp.using(connection=connection).enqueue(0)
        began_at = time.time_ns()
        with starting(url):
            wait_until(
                lambda: bool(connection.execute(_STARTED).fetchall()),
                "the first job has run",
                seconds_max=60.0,
            )
        [(started_at,)] = connection.execute(_STARTED).fetchall()
    return (int(started_at) - began_at) / 1e9
