"""A durable PostgreSQL server for one run, and fresh databases in it."""

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

# In the checkout: the system's temporary folder is in memory on many machines.
_FOLDER = Path(__file__).parents[1] / "build" / "bench"

_IN_MEMORY = ("tmpfs", "ramfs")

_SETTINGS = {
    "fsync": "on",
    "max_connections": "400",
    # `statements` reads the database and the program from it; it also turns the logging on.
    "log_line_prefix": "%d|%a|",
}


class Server:
    """One server with PostgreSQL's default settings, fsync included."""

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
        """The machine in a few words, with a warning when commits do not wait for a disk."""
        with self.administrator() as connection:
            version = connection.info.parameter_status("server_version")
        words = f"PostgreSQL {version}, Python {platform.python_version()}, {os.cpu_count()} cores"
        if (kind := filesystem_of(self._cluster.folder)) in _IN_MEMORY:
            return f"IN MEMORY ({kind}), where fsync costs nothing: {words}"
        return words

    @property
    def pid(self) -> int:
        """The process id of the postmaster."""
        return int(self._cluster.pid_file.read_text().split()[0])

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a migrated database, which is dropped after the block."""
        url = self._create()
        try:
            yield url
        finally:
            self._drop(url)

    def kept(self, name: str, prepare: Callable[[str], None]) -> str:
        """The URL of a database that is prepared once for all rounds of a figure."""
        if name not in self._kept:
            url = self._create()
            prepare(url)
            self._kept[name] = url
        return self._kept[name]

    def drop_kept(self) -> None:
        """Drop the kept databases, so that their vacuum does not disturb the next figure."""
        while self._kept:
            self._drop(self._kept.popitem()[1])

    @contextmanager
    def administrator(self) -> Iterator["psycopg.Connection[Any]"]:
        """A connection that no measured database counts."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            yield connection

    def close(self) -> None:
        """Stop the server, and remove its files outside its folder."""
        self._use.close()
        with self._folder.joinpath("server.lock").open("a") as lock:
            # Every process of the server has a lock on this file.
            fcntl.flock(lock, fcntl.LOCK_EX)
        if self._folder not in self._cluster.folder.parents:
            # The server's user may have no access to the checkout of root.
            shutil.rmtree(self._cluster.folder)
        sockets = Path(str(conninfo_to_dict(self.url)["host"]))
        if sockets != self._cluster.folder and sockets.exists():
            # The path of the checkout may be too long for a socket.
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
def open_server() -> Iterator[Server]:
    """A server under `build/bench`, which is removed after the block."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="server-", dir=_FOLDER) as name:
        folder = Path(name)
        # For root, the server runs as a user of its own.
        folder.chmod(0o755)
        server = Server(folder)
        try:
            yield server
        finally:
            server.close()


def filesystem_of(folder: Path) -> str:
    """The kind of a folder's filesystem, such as `ext4`; empty when it is unknown."""
    # The last filesystem of a mount point hides the earlier ones.
    mounts = psutil.disk_partitions(all=True)
    kinds = {Path(mount.mountpoint): mount.fstype for mount in mounts}
    return next((kinds[path] for path in (folder, *folder.parents) if path in kinds), "")


def name_of(url: str) -> str:
    """The database that a URL names."""
    return str(conninfo_to_dict(url)["dbname"])
