"""A database with granted rights, and a login in each of its roles."""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgqueue.client.client import Client
from pgqueue.schema import roles
from pgqueue.store.connection.database import libpq_url

APP = Path(__file__).parent / "app"
USERS = tuple(role for role in roles.ROLES if role != "owner")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Connect without the tests' pooler, which logs every client in as one user."""
    for item in items:
        if item.path.is_relative_to(APP.parent):
            item.add_marker("own_session")


class Logins:
    """One login in each role; roles belong to the whole server."""

    def __init__(self, url: str, prefix: str) -> None:
        self.prefix = prefix
        self._url = libpq_url(url)
        self._open = ExitStack()
        self.admin = self._connect(self._url)

    def name(self, role: str) -> str:
        """The name of a role in the database."""
        return f"{self.prefix}_{role}"

    def log_in(self) -> None:
        """Create a login in each role, as a person does for an application."""
        for role in USERS:
            self.admin.execute(
                sql.SQL("create role {} login in role {}").format(
                    sql.Identifier(f"{self.prefix}_login_{role}"), sql.Identifier(self.name(role))
                )
            )

    def url(self, role: str) -> str:
        """The URL of the login in this role."""
        return make_conninfo(self._url, user=f"{self.prefix}_login_{role}")

    def connection(self, role: str) -> "psycopg.Connection[Any]":
        """A connection of the login in this role, in autocommit."""
        return self._connect(self.url(role))

    def client(self, role: str) -> Client:
        """A client of the login in this role."""
        return self._open.enter_context(Client(self.url(role)))

    def close(self) -> None:
        """Drop all roles, and close all connections."""
        roles_ = self.admin.execute(
            "select rolname from pg_roles where starts_with(rolname::text, %s::text)", [self.prefix]
        ).fetchall()
        for (name,) in roles_:
            for text in ("reassign owned by {} to current_user", "drop owned by {}"):
                self.admin.execute(sql.SQL(text).format(sql.Identifier(name)))
        for (name,) in roles_:
            self.admin.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))
        self._open.close()

    def _connect(self, url: str) -> "psycopg.Connection[Any]":
        return self._open.enter_context(psycopg.connect(url, autocommit=True))


@pytest.fixture
def prefix() -> str:
    """A prefix of role names for one test."""
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture
def no_roles(database_url: str, prefix: str) -> Iterator[Logins]:
    """The logins before their roles exist."""
    logins = Logins(database_url, prefix)
    yield logins
    logins.close()


@pytest.fixture
def logins(no_roles: Logins, database_url: str) -> Logins:
    """The roles of the database, with a login in each."""
    roles.apply(database_url, prefix=no_roles.prefix)
    no_roles.log_in()
    return no_roles


Burst = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def burst() -> Burst:
    """A function that runs `pgqueue worker --burst` on a URL."""

    def work(url: str, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "pgqueue", "worker", "--burst", "--tasks", "vault", *words],
            cwd=APP,
            env={**os.environ, "PGQUEUE_URL": url, "PGQUEUE_CPUS": "1", **environment},
            capture_output=True,
            text=True,
            timeout=90,
        )

    return work
