"""The demo's tasks: fetch a source file over HTTP, then parse and measure it.

Each task writes its row and its success in one transaction. A worker that is killed between the
two leaves neither, and the report relies on that.
"""

import ast
import os
import urllib.parse
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from pgqueue import Retry, current_job, task

URL_VARIABLE = "DEMO_URL"
SERVER_VARIABLE = "DEMO_SERVER"

_FETCH_SECONDS = 20


@contextmanager
def application() -> Iterator["psycopg.Connection[Any]"]:
    """The application's own connection, in a transaction of its own."""
    with psycopg.connect(os.environ[URL_VARIABLE]) as connection:
        yield connection


@task(timeout=60, retry=Retry(max_attempts=3, base=0.2))
def fetch_source(file_id: int) -> int:
    """Read a file from the server, store it, and enqueue its measurement; the number of bytes."""
    job = current_job()
    with application() as connection:
        path, queue = _row(connection, "select path, queue from demo_files where id = %s", file_id)
        connection.commit()  # no transaction waits for the network
        address = f"{os.environ[SERVER_VARIABLE]}/{urllib.parse.quote(path)}"
        with urllib.request.urlopen(address, timeout=_FETCH_SECONDS) as response:
            source = response.read()
        connection.execute("update demo_files set source = %s where id = %s", (source, file_id))
        measure_source.using(connection=connection, queue=queue).enqueue(file_id)
        job.complete(connection=connection, result=len(source))
    return len(source)


@task(executor="process", timeout=60, retry=Retry(max_attempts=2, base=0.2))
def measure_source(file_id: int) -> dict[str, int]:
    """Parse a file and count what it defines; a broken file raises Python's own error."""
    job = current_job()
    with application() as connection:
        path, source = _row(
            connection, "select path, source from demo_files where id = %s", file_id
        )
        connection.commit()
        job.log.info("parsing %s, %s bytes", path, len(source))
        counts = measure(source, path)
        connection.execute(
            "update demo_files set measured_count = measured_count + 1, line_count = %s, "
            "function_count = %s, class_count = %s where id = %s",
            (counts["lines"], counts["functions"], counts["classes"], file_id),
        )
        job.complete(connection=connection, result=counts)
    return counts


def measure(source: bytes, path: str) -> dict[str, int]:
    """The lines, functions and classes of a Python source.

    Raises:
        SyntaxError: The source does not parse; for some broken encodings, ValueError and others.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nodes = list(ast.walk(ast.parse(source, filename=path)))
    return {
        "lines": source.count(b"\n"),
        "functions": sum(isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) for n in nodes),
        "classes": sum(isinstance(n, ast.ClassDef) for n in nodes),
    }


def _row(connection: "psycopg.Connection[Any]", query: str, file_id: int) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = connection.execute(query.encode(), (file_id,)).fetchone()
    if row is None:
        raise LookupError(f"the application has no file {file_id}")
    return row
