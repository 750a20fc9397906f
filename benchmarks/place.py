"""A durable PostgreSQL of the run's own, and fresh databases in it."""

import fcntl
import itertools
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgqueue import embedded
from pgqueue.embedded.cluster import locate
from pgqueue.schema import migrate

# Of the checkout: the system's temporary folder is in memory on many machines.
_FOLDER = Path(__file__).parents[1] / "build" / "bench"

_IN_MEMORY = ("tmpfs", "ramfs")

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
        self._folder = folder
        self._cluster = locate(folder, None)
        self.url = self._use.url
        self.programs = self._cluster.programs
        self.log = self._cluster.log

    def about(self) -> str:
        """The machine in a few words, with a warning where no commit waits for a disk."""
        with self.administrator() as connection:
            version = connection.info.parameter_status("server_version")
        words = f"PostgreSQL {version}, Python {platform.python_version()}, {os.cpu_count()} cores"
        if (kind := filesystem_of(self._cluster.folder)) in _IN_MEMORY:
            return f"IN MEMORY ({kind}), where fsync costs nothing: {words}"
        return words

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
        """Stop the server, and leave nothing of it outside its folder."""
        self._use.close()
        with self._folder.joinpath("server.lock").open("a") as lock:
            # Every process of the server holds it.
            fcntl.flock(lock, fcntl.LOCK_EX)
        if self._folder not in self._cluster.folder.parents:
            # Root's checkout may be where the server's user cannot enter.
            shutil.rmtree(self._cluster.folder)
        sockets = Path(str(conninfo_to_dict(self.url)["host"]))
        if sockets != self._cluster.folder and sockets.exists():
            # The path of the checkout is too long for a socket.
            sockets.rmdir()

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


@contextmanager
def opened() -> Iterator[Place]:
    """A place under `build/bench`, for as long as the block lasts."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="server-", dir=_FOLDER) as name:
        folder = Path(name)
        # The server runs as a user of its own where we are root.
        folder.chmod(0o755)
        place = Place(folder)
        try:
            yield place
        finally:
            place.close()


def filesystem_of(folder: Path) -> str:
    """What kind of filesystem a folder lies on, such as `ext4`; empty where nobody tells."""
    around = (folder, *folder.parents)
    # The last one of a mount point hides those before it.
    kinds = {Path(each.mountpoint): each.fstype for each in psutil.disk_partitions(all=True)}
    return next((kinds[each] for each in around if each in kinds), "")


def name_of(url: str) -> str:
    """The database that a URL names."""
    return str(conninfo_to_dict(url)["dbname"])
