"""How our statements convert Python values to PostgreSQL and back, on every connection.

An application may change how psycopg, or one of its connections, writes a `str` or reads a moment.
Our cursors use psycopg's defaults: a job is stored and read in one way everywhere, text in UTF-8
and moments in UTC.
"""

from typing import Any, Final

import psycopg
from psycopg import postgres
from psycopg.adapt import AdaptersMap
from psycopg.types import TypesRegistry, array


def _default_adapters() -> AdaptersMap:
    # The application may have changed `psycopg.adapters`, so it is not copied.
    types = TypesRegistry()
    postgres.register_default_types(types)
    adapters = AdaptersMap(types=types)
    postgres.register_default_adapters(adapters)
    array.register_all_arrays(adapters)
    return adapters


_ADAPTERS: Final = _default_adapters()


class Cursor(psycopg.Cursor[Any]):
    """A cursor with psycopg's default adapters, for our own connections and a caller's."""

    @property
    def adapters(self) -> AdaptersMap:
        """The default adapters of psycopg."""
        return _ADAPTERS

    @property
    def connection(self) -> Any:
        """None, so that psycopg converts values without reading the session's settings.

        The statement still runs on the connection. Reading the session's time zone for each
        answer takes as long as reading the answer.
        """
        return None


class AsyncCursor(psycopg.AsyncCursor[Any]):
    """The asyncio twin of `Cursor`."""

    @property
    def adapters(self) -> AdaptersMap:
        """The default adapters of psycopg."""
        return _ADAPTERS

    @property
    def connection(self) -> Any:
        """None, so that psycopg converts values without reading the session's settings.

        The statement still runs on the connection. Reading the session's time zone for each
        answer takes as long as reading the answer.
        """
        return None
