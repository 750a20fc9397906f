"""A worker of the measured release, as a person starts it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psycopg
from psycopg.conninfo import make_conninfo

from benchmarks.patience import until
from benchmarks.place import name_of

ROOT = Path(__file__).parents[1]

_STOP_SECONDS_MAX = 120
_LOG_CHARACTERS_MAX = 2_000

# A child opens this connection when its tasks are loaded and it is about to claim.
_READY = """
select count(*)
from pg_stat_activity
where datname = %s
  and application_name like 'pgqueue fetcher %%'
"""


@contextmanager
def starting(
    url: str, *words: str, tasks: str = "benchmarks.tasks"
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `pgqueue worker` meanwhile; it is told to stop at the end, and waited for.

    Raises:
        RuntimeError: It ended otherwise than by being told to, or not in time.
    """
    # The file has no name, so nothing is left of it.
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "pgqueue", "worker", *words],
            cwd=ROOT,
            env={**_surroundings(), "PGQUEUE_URL": url, "PGQUEUE_TASKS": tasks},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        try:
            yield process
            is_alive = process.poll() is None
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if not is_alive or process.returncode:
            raise RuntimeError(f"The worker ended with {process.returncode}: {_tail(said)}")


@contextmanager
def serving(
    url: str, *words: str, children: int = 1, tasks: str = "benchmarks.tasks"
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a worker meanwhile, from when so many children are ready to claim."""
    with starting(url, *words, tasks=tasks) as process:
        with psycopg.connect(make_conninfo(url, dbname="postgres"), autocommit=True) as connection:

            def is_ready() -> bool:
                [(count,)] = connection.execute(_READY, [name_of(url)]).fetchall()
                return process.poll() is not None or count >= children

            until(is_ready, f"{children} children are ready")
        yield process


def _surroundings() -> dict[str, str]:
    # What is measured has the default settings, whatever its caller's are.
    return {name: value for name, value in os.environ.items() if not name.startswith("PGQUEUE_")}


def _tail(said: IO[bytes]) -> str:
    said.seek(0)
    return said.read().decode(errors="replace")[-_LOG_CHARACTERS_MAX:]
