"""Looks at the queue every second of a run: the backlog, and what must hold at any moment."""

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


class Pulse:
    """Takes looks on a thread of its own.

    Attributes:
        looks: How many there were.
        backlog: Unfinished jobs at the last look.
        broken: The rows that broke an invariant while it was looked at, by its name.
    """

    def __init__(self, server: Server) -> None:
        self.looks = 0
        self.backlog = 0
        self.backlog_max = 0
        self.broken: dict[str, list[dict[str, Any]]] = {}
        self._server = server
        self._always = [each for each in invariants.load() if each.when is When.ALWAYS]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(30.0)

    def has_room(self) -> bool:
        """Whether producers may go on: the end must be reachable in time."""
        return self.backlog < _BACKLOG_MAX

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._server.connect() as connection:
                    while not self._stopping.wait(_EVERY_SECONDS):
                        self._look(connection)
            except psycopg.Error:
                self._stopping.wait(_EVERY_SECONDS)  # the server is away, which is no news

    def _look(self, connection: "psycopg.Connection[Any]") -> None:
        for each in self._always:
            if rows := each.broken(connection):
                self.broken.setdefault(each.name, []).extend(rows)
        found = connection.execute(_BACKLOG).fetchone()
        self.backlog = found[0] if found else 0
        self.backlog_max = max(self.backlog_max, self.backlog)
        self.looks += 1
