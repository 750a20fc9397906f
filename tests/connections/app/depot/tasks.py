"""Tasks that run in greenlets; some wait for a file, or for a connection of their own."""

import os
import time
from pathlib import Path

import psycopg
from chaos.tasks.effect import effect
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine

from pgqueue import Retry, current_job, task

_engines: list[Engine] = []


@task
def quick(key: str) -> None:
    with effect(key):
        pass


@task
def bulky(key: str, size: int) -> str:
    """Return so many characters, after half as many in 50 lines."""
    with effect(key):
        for _ in range(50):
            current_job().log.info("x" * (size // 100))
        return "x" * size


@task
def lasting(key: str, until: str) -> None:
    """Run until the file *until* exists."""
    with effect(key):
        _wait_for(until)


@task(delivery="at_most_once")
def cautious(key: str, seconds: float = 0.0) -> None:
    with effect(key):
        time.sleep(seconds)  # the work of this task is to wait


@task(retry=Retry(max_attempts=20, base=0.01, max_delay=0.1))
def paying(key: str) -> None:
    with effect(key), psycopg.connect(os.environ["DEPOT_URL"]) as connection:
        connection.execute("insert into payments (key) values (%s)", (key,))
        current_job().complete(connection=connection, result=key)


@task
def hoarding(key: str, until: str) -> None:
    """Keep one of the two connections of the application's pool."""
    with effect(key), _engine().connect() as connection:
        connection.execute(text("select 1"))
        _wait_for(until)


def _engine() -> Engine:
    # Created at the first use: an engine does not survive a fork of the loading process.
    if not _engines:
        url = os.environ["DEPOT_URL"].replace("postgresql://", "postgresql+psycopg://")
        _engines.append(create_engine(url, pool_size=2, max_overflow=0, pool_timeout=60))
    return _engines[0]


def _wait_for(path: str) -> None:
    while not Path(path).exists():
        time.sleep(0.02)  # yields to other greenlets
