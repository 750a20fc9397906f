"""What the matrix runs on: one database for a whole file, and real workers."""

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
    """The database of this file, which tasks use too."""
    with fresh_database(entrance_url) as made:
        configure(url=made)
        yield made
        configure()


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[Client]:
    """A client of it."""
    with Client(url) as opened:
        yield opened


@pytest.fixture(scope="module")
def link(url: str) -> Iterator[Link]:
    """A link to it."""
    opened = Database(url).open()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def work(url: str) -> Work:
    """Let a worker run until nothing is left for it; its exit code."""

    def call(*arguments: str, **environment: str) -> int:
        done = subprocess.run(
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
            timeout=110,
        )
        return done.returncode

    return call
