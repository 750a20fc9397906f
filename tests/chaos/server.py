"""A durable PostgreSQL cluster for one run, with its own port, to be stopped in any mode.

It is the embedded server with other settings, so its keeper stops it also after a killed run.
"""

import fcntl
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg

from pgqueue import embedded
from pgqueue.embedded import programs
from pgqueue.embedded.cluster import locate

_START_SECONDS_MAX = 120.0

NAME = "chaos nemesis"


class Server:
    """A cluster in a folder; its constructor creates and starts it.

    Args:
        folder: A folder that the server's user may enter.
        settings: Settings of PostgreSQL, which replace the run's own.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        programs = os.environ.get("PGQUEUE_TEST_PG_BIN")
        self.folder = folder
        self.port = free_port()
        self._bin_folder = Path(programs) if programs else None
        self._settings = {
            "fsync": "on",
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "max_connections": "120",
            "deadlock_timeout": "100ms",
            "log_line_prefix": "%m [%p] %a ",
            **(settings or {}),
        }
        self._use = self._start()
        self.cluster = locate(folder, self._bin_folder)

    @property
    def url(self) -> str:
        """The database without a proxy."""
        return self.url_at(self.port)

    def url_at(self, port: int) -> str:
        """The database at another port of this machine."""
        # Without encryption, a proxy can see the end of a statement.
        plain = "sslmode=disable&gssencmode=disable"
        return f"postgresql://postgres@127.0.0.1:{port}/postgres?{plain}"

    def connect(self) -> "psycopg.Connection[Any]":
        """A connection of the harness in autocommit, without a proxy."""
        return psycopg.connect(self.url, autocommit=True, application_name=NAME, connect_timeout=10)

    def stop(self, mode: str) -> None:
        """Stop the server in the *mode* of pg_ctl."""
        self._run("pg_ctl", "stop", f"--mode={mode}")

    def restart(self, mode: str) -> float:
        """Stop the server in the *mode* of pg_ctl and start it; the seconds until it is ready."""
        started_at = time.monotonic()
        self.stop(mode)
        deadline = time.monotonic() + _START_SECONDS_MAX
        while True:
            try:
                use = self._start()
                break
            except Exception:
                if time.monotonic() > deadline:
                    raise
        self._use.close()
        self._use = use
        return time.monotonic() - started_at

    def close(self) -> None:
        """Let the keeper stop the server, and wait until it has."""
        self._use.close()
        with self.folder.joinpath("server.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)

    def _start(self) -> embedded.EmbeddedServer:
        return embedded.start(self.folder, settings=self._settings, bin_folder=self._bin_folder)

    def _run(self, *arguments: str) -> None:
        cluster = self.cluster
        programs.run(
            cluster.programs,
            arguments,
            cluster.user,
            cwd=cluster.folder,
            environment={"PGDATA": str(cluster.data)},
        )


def free_port() -> int:
    """A port of this machine that no process listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port
