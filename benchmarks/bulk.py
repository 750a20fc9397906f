"""Rates of inserting many jobs at once."""

import re
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

from benchmarks.server import Server
from benchmarks.tasks import noop
from pgqueue.store.schema_name import Schema

_COPY = " ".join(Schema().render("copy_jobs").split())
_COLUMNS = _COPY.partition("(")[2].partition(")")[0]
_MILLISECONDS = re.compile(r"^Time: ([\d.]+) ms", re.MULTILINE)
_COUNT = "select count(*) from pgqueue.jobs where status = 'queued'"


def ours(server: Server, *, count: int) -> float:
    """Jobs a second of `enqueue_many` to the end of its transaction, from values in Python."""
    with server.database() as url, psycopg.connect(url) as connection:
        began_at = time.monotonic()
        noop.using(connection=connection).enqueue_many({"n": n} for n in range(count))
        connection.commit()
        seconds = time.monotonic() - began_at
        _check(connection, count)
    return count / seconds


def by_psql(server: Server, *, count: int) -> float:
    """Jobs a second of psql's COPY of the rows of `enqueue_many`, from a file."""
    with server.database() as url, psycopg.connect(url, autocommit=True) as connection:
        noop.using(connection=connection).enqueue_many({"n": n} for n in range(count))
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "rows")
            with (
                file.open("wb") as rows,
                connection.cursor() as cursor,
                cursor.copy(f"copy pgqueue.jobs ({_COLUMNS}) to stdout".encode()) as copy,
            ):
                rows.writelines(copy)
            # The tables are as new as those that `enqueue_many` filled.
            with server.database() as fresh:
                seconds = _copy(server, fresh, file)
                with psycopg.connect(fresh) as other:
                    _check(other, count)
    return count / seconds


def _copy(server: Server, url: str, file: Path) -> float:
    with file.open("rb") as rows:
        result = subprocess.run(
            [server.programs / "psql", "-X", "-c", r"\timing on", "-c", _COPY, url],
            cwd=file.parent,
            stdin=rows,
            capture_output=True,
            text=True,
            check=True,
        )
    [milliseconds] = _MILLISECONDS.findall(result.stdout)
    return float(milliseconds) / 1000


def _check(connection: "psycopg.Connection[tuple[int]]", count: int) -> None:
    [(queued,)] = connection.execute(_COUNT).fetchall()
    if queued != count:
        raise ValueError(f"{queued} jobs are queued instead of {count}.")
