"""Python values on their way to PostgreSQL and back, for our statements on anybody's connection.

An application may teach psycopg, or one of its connections, to write a `str` or to read a moment in
its own way. Ours are as psycopg has them: a job is stored and read in one way everywhere, text in
UTF-8 and moments in UTC.
"""

from typing import Any, Final

import psycopg
from psycopg import postgres
from psycopg.adapt import AdaptersMap
from psycopg.types import TypesRegistry, array


def _pristine() -> AdaptersMap:
    # Not a copy of `psycopg.adapters`, which the application may have changed by now.
    types = TypesRegistry()
    postgres.register_default_types(types)
    adapters = AdaptersMap(types=types)
    postgres.register_default_adapters(adapters)
    array.register_all_arrays(adapters)
    return adapters


_ADAPTERS: Final = _pristine()


class Cursor(psycopg.Cursor[Any]):
    """A cursor of ours, on our own connections and on a caller's."""

    @property
    def adapters(self) -> AdaptersMap:
        """psycopg's own."""
        return _ADAPTERS

    @property
    def connection(self) -> Any:
        """None, for values are written and read without a look at the session.

        What is asked goes through the connection all the same. To find out the session's zone
        for each answer takes as long as to read it.
        """
        return None


class AsyncCursor(psycopg.AsyncCursor[Any]):
    """The asyncio twin of `Cursor`."""

    @property
    def adapters(self) -> AdaptersMap:
        """psycopg's own."""
        return _ADAPTERS

    @property
    def connection(self) -> Any:
        """None, for values are written and read without a look at the session.

        What is asked goes through the connection all the same. To find out the session's zone
        for each answer takes as long as to read it.
        """
        return None
