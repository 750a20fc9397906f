"""What supervisors are notified of."""

from itertools import takewhile
from typing import Any

import psycopg
from psycopg import sql

from pgqueue.store.schema_name import Schema


class Notifications:
    """Receives the notifications of supervisors, on a session of its own."""

    def __init__(self, listener: psycopg.Connection[Any], schema: Schema) -> None:
        self._listener = listener
        self._schema = schema
        self._ids: dict[str, int] = {}
        listener.execute("listen done")

    def listen(self, supervisor_id: int) -> int:
        """Receive the notifications of this supervisor, too; returns its id."""
        channel = self._schema.channel(supervisor_id)
        self._listener.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
        self._ids[channel] = supervisor_id
        return supervisor_id

    def received(self) -> list[tuple[int, str]]:
        """The (supervisor, payload) of each notification since the last call."""
        # All notifications that were sent before come before this one.
        self._listener.execute("notify done")
        sent = takewhile(
            lambda notification: notification.channel != "done",
            self._listener.notifies(timeout=10),
        )
        return [(self._ids[one.channel], one.payload) for one in sent]
