"""The database of the matrix, one for a whole file, and its real workers."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from pgqueue import Client
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.tasks.default import configure

HERE = Path(__file__).parent

Work = Callable[..., int]


@pytest.fixture(scope="module")
def url(
    fresh_database: Callable[[str], AbstractContextManager[str]], entrance_url: str
) -> Iterator[str]:
    """The URL of the database of this file, which tasks use too."""
    with fresh_database(entrance_url) as url:
        configure(url=url)
        yield url
        configure()


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[Client]:
    """A client of the database of this file."""
    with Client(url) as opened:
        yield opened


@pytest.fixture(scope="module")
def link(url: str) -> Iterator[Link]:
    """A link to the database of this file."""
    opened = Database(url).open()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def work(url: str) -> Work:
    """A function that runs `pgqueue worker --burst` and returns its exit code."""

    def call(*arguments: str, **environment: str) -> int:
        result = subprocess.run(
            [sys.executable, "-m", "pgqueue", "worker", "--burst", *arguments],
            cwd=HERE,
            env={
                **os.environ,
                "PGQUEUE_URL": url,
                "PGQUEUE_TASKS": "matrix.tasks",
                "PGQUEUE_CPUS": "1",
                **environment,
            },
            stderr=subprocess.DEVNULL,
            timeout=380,
        )
        return result.returncode

    return call
