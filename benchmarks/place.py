"""A durable PostgreSQL of the run's own, and fresh databases in it."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from pgqueue.store import embedded, migrate
from pgqueue.store.embedded_cluster import locate

_numbers = itertools.count()


class Place:
    """One server; its settings are PostgreSQL's own defaults, fsync and all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._use = embedded.start(folder, settings={"fsync": "on", "max_connections": "200"})
        self.url = self._use.url
        self.programs = locate(folder, None).programs

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a migrated database."""
        name = f"bench_{next(_numbers)}"
        with psycopg.connect(self.url, autocommit=True) as admin:
            admin.execute(f"create database {name}")
            url = make_conninfo(self.url, dbname=name)
            migrate.upgrade(url, "pgqueue")
            yield url
            admin.execute(f"drop database {name} with (force)")
            admin.execute("checkpoint")

    def close(self) -> None:
        """Stop the server."""
        self._use.close()
