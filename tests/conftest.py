"""The PostgreSQL server that tests run on, and a fresh database of it for each test.

The server is PGQUEUE_TEST_URL if set, else a container where a Docker engine answers, else
the embedded wheel's, or that of the binaries in PGQUEUE_TEST_PG_BIN.
"""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from pgqueue.client.client import Client
from pgqueue.store import embedded, migrate
from pgqueue.store.connect import Database, Link

# What a crash would lose is no matter here; what a commit means stays.
_SETTINGS = {"fsync": "off", "max_connections": "300", "full_page_writes": "off"}


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server to make databases in; one for all processes of a run."""
    if url := os.environ.get("PGQUEUE_TEST_URL"):
        yield url
    elif os.environ.get("PGQUEUE_TEST_PG_BIN") is None and _docker_answers():
        with _container() as url:
            yield url
    else:
        binaries = os.environ.get("PGQUEUE_TEST_PG_BIN")
        shared = tmp_path_factory.getbasetemp()
        if "PYTEST_XDIST_WORKER" in os.environ:
            shared = shared.parent
        with embedded.start(
            shared / "postgresql",
            settings=_SETTINGS,
            bin_folder=Path(binaries) if binaries else None,
        ) as server:
            yield server.url


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """The name of a migrated database to copy."""
    name = f"template_{uuid.uuid4().hex[:12]}"
    with _administrator(server_url) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        migrate.upgrade(url_of(server_url, name), "pgqueue")
        yield name
        _drop(connection, name)


@pytest.fixture
def database_url(server_url: str, template: str) -> Iterator[str]:
    """A fresh, migrated database."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with _administrator(server_url) as connection:
        connection.execute(
            sql.SQL("create database {} template {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        yield url_of(server_url, name)
        _drop(connection, name)


@pytest.fixture
def link(database_url: str) -> Iterator[Link]:
    """A link of our own to the fresh database."""
    opened = Database(database_url).open()
    yield opened
    opened.close()


@pytest.fixture
def client(database_url: str) -> Iterator[Client]:
    """A client of the fresh database."""
    with Client(database_url) as opened:
        yield opened


def url_of(server_url: str, database: str) -> str:
    """The URL of another database on the same server."""
    told: dict[str, Any] = conninfo_to_dict(server_url)
    told.pop("dbname", None)
    user = told.pop("user", "postgres")
    rest = "&".join(f"{name}={value}" for name, value in told.items())
    return f"postgresql://{user}@/{database}?{rest}"


def _administrator(server_url: str) -> "psycopg.Connection[Any]":
    return psycopg.connect(server_url, autocommit=True)


def _drop(connection: "psycopg.Connection[Any]", name: str) -> None:
    connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def _docker_answers() -> bool:
    if not (Path("/var/run/docker.sock").exists() or os.environ.get("DOCKER_HOST")):
        return False
    import docker

    try:
        return bool(docker.from_env().ping())
    except docker.errors.DockerException:
        return False


def _container() -> Any:
    from contextlib import contextmanager

    from testcontainers.postgres import PostgresContainer

    @contextmanager
    def running() -> Iterator[str]:
        with PostgresContainer("postgres:18", driver=None) as container:
            yield container.get_connection_url()

    return running()
