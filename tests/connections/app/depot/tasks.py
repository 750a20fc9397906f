"""Tasks that run in greenlets; they wait for a file, or for a connection of their own."""

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
def brief(key: str) -> None:
    with effect(key):
        pass


@task
def lasting(key: str, until: str) -> None:
    """Runs until there is a file of that name."""
    with effect(key):
        _wait_for(until)


@task(delivery="at_most_once")
def cautious(key: str, seconds: float = 0.0) -> None:
    with effect(key):
        time.sleep(seconds)  # its work is to wait


@task(retry=Retry(max_attempts=20, base=0.01, max_delay=0.1))
def paying(key: str) -> None:
    with effect(key), psycopg.connect(os.environ["DEPOT_URL"]) as connection:
        connection.execute("insert into payments (key) values (%s)", (key,))
        current_job().complete(connection=connection, result=key)


@task
def hoarding(key: str, until: str) -> None:
    """Holds one of the two connections that the application allows itself."""
    with effect(key), _engine().connect() as connection:
        connection.execute(text("select 1"))
        _wait_for(until)


def _engine() -> Engine:
    # Made at the first use: engines do not survive a fork, and a module may be loaded anywhere.
    if not _engines:
        url = os.environ["DEPOT_URL"].replace("postgresql://", "postgresql+psycopg://")
        _engines.append(create_engine(url, pool_size=2, max_overflow=0, pool_timeout=60))
    return _engines[0]


def _wait_for(path: str) -> None:
    while not Path(path).exists():
        time.sleep(0.02)  # gives the thread to other greenlets
