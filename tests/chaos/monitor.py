"""Checks the queue every second of a run: the backlog, and the invariants that always hold."""

import threading
from typing import Any

import psycopg

from chaos import invariants
from chaos.invariants import When
from chaos.server import Server

_EVERY_SECONDS = 1.0
_BACKLOG_MAX = 300

_BACKLOG = """
select count(*) from pgqueue.jobs where status in ('scheduled', 'queued', 'running', 'blocked')
"""


class Monitor:
    """Checks on a thread of its own.

    Attributes:
        checks: The number of checks.
        backlog: The unfinished jobs at the last check.
        broken: The violations by the name of the invariant.
    """

    def __init__(self, server: Server) -> None:
        self.checks = 0
        self.backlog = 0
        self.backlog_max = 0
        self.broken: dict[str, list[dict[str, Any]]] = {}
        self._server = server
        self._always = [
            invariant for invariant in invariants.load() if invariant.when is When.ALWAYS
        ]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="monitor", daemon=True)

    def start(self) -> None:
        """Start the checks."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the checks."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(30.0)

    def has_capacity(self) -> bool:
        """Whether producers may enqueue: the backlog must drain in time at the end."""
        return self.backlog < _BACKLOG_MAX

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._server.connect() as connection:
                    while not self._stopping.wait(_EVERY_SECONDS):
                        self._check(connection)
            except psycopg.Error:
                self._stopping.wait(_EVERY_SECONDS)  # the server is away, by a fault

    def _check(self, connection: "psycopg.Connection[Any]") -> None:
        for invariant in self._always:
            if rows := invariant.broken(connection):
                self.broken.setdefault(invariant.name, []).extend(rows)
        [(self.backlog,)] = connection.execute(_BACKLOG).fetchall()
        self.backlog_max = max(self.backlog_max, self.backlog)
        self.checks += 1
