"""A durable PostgreSQL of the run's own, and fresh databases in it."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgqueue.store import embedded, migrate
from pgqueue.store.embedded_cluster import locate

_SETTINGS = {
    "fsync": "on",
    "max_connections": "200",
    # For `statements`, which tells databases and programs apart; nothing is logged unless it asks.
    "log_line_prefix": "%d|%a|",
}


class Place:
    """One server; its settings are PostgreSQL's own defaults, fsync and all."""

    def __init__(self, folder: Path) -> None:
        self._use = embedded.start(folder, settings=_SETTINGS)
        self._numbers = itertools.count()
        self._kept: dict[str, str] = {}
        cluster = locate(folder, None)
        self.url = self._use.url
        self.programs = cluster.programs
        self.log = cluster.log

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a migrated database, for as long as the block lasts."""
        url = self._create()
        try:
            yield url
        finally:
            self._drop(url)

    def kept(self, name: str, prepare: Callable[[str], None]) -> str:
        """The URL of a database that is prepared once, for all rounds of a figure."""
        if name not in self._kept:
            url = self._create()
            prepare(url)
            self._kept[name] = url
        return self._kept[name]

    def forget(self) -> None:
        """Drop what was kept, so that no vacuum of it disturbs the next figure."""
        while self._kept:
            self._drop(self._kept.popitem()[1])

    @contextmanager
    def administrator(self) -> Iterator["psycopg.Connection[Any]"]:
        """A connection that is counted in no measured database."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            yield connection

    def close(self) -> None:
        """Stop the server."""
        self._use.close()

    def _create(self) -> str:
        name = f"bench_{next(self._numbers)}"
        with self.administrator() as connection:
            connection.execute(f"create database {name}")
        url = make_conninfo(self.url, dbname=name)
        migrate.upgrade(url, "pgqueue")
        return url

    def _drop(self, url: str) -> None:
        with self.administrator() as connection:
            connection.execute(f"drop database {name_of(url)} with (force)")
            connection.execute("checkpoint")


def name_of(url: str) -> str:
    """The database that a URL names."""
    return str(conninfo_to_dict(url)["dbname"])
