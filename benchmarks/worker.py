"""A worker of the measured release, started by its command."""

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

from benchmarks.server import name_of
from benchmarks.waiting import wait_until

ROOT = Path(__file__).parents[1]

_STOP_SECONDS_MAX = 120
_LOG_CHARACTERS_MAX = 2_000

# A child opens this connection when its tasks are loaded, just before its first claim.
READY = """
select count(*)
from pg_stat_activity
where datname = %s
  and application_name like 'pgqueue fetcher %%'
"""


@contextmanager
def starting(
    url: str, *words: str, tasks: str = "benchmarks.tasks"
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `pgqueue worker` during the block, then stop it and wait for its end.

    Raises:
        RuntimeError: The worker ended by itself, with an error, or not in time.
    """
    # The file has no name, so it disappears with its last user.
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "pgqueue", "worker", *words],
            cwd=ROOT,
            env={**_environment(), "PGQUEUE_URL": url, "PGQUEUE_TASKS": tasks},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
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
            raise RuntimeError(f"The worker ended with {process.returncode}: {_tail(output)}")


@contextmanager
def serving(
    url: str, *words: str, children: int = 1, tasks: str = "benchmarks.tasks"
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a worker during the block, which starts when *children* children are ready to claim."""
    with starting(url, *words, tasks=tasks) as process:
        with psycopg.connect(make_conninfo(url, dbname="postgres"), autocommit=True) as connection:

            def is_ready() -> bool:
                [(count,)] = connection.execute(READY, [name_of(url)]).fetchall()
                return process.poll() is not None or count >= children

            wait_until(is_ready, f"{children} children are ready")
        yield process


def _environment() -> dict[str, str]:
    # The measured worker has the default settings, whatever the caller's are.
    return {name: value for name, value in os.environ.items() if not name.startswith("PGQUEUE_")}


def _tail(output: IO[bytes]) -> str:
    output.seek(0)
    return output.read().decode(errors="replace")[-_LOG_CHARACTERS_MAX:]
