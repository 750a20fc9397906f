"""A connection of SQLAlchemy for the reflection of a database."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import Connection, NullPool, create_engine

from pgqueue.store.connection.database import libpq_url


@contextmanager
def reflecting(url: str) -> Iterator[Connection]:
    """A connection in a transaction that is rolled back."""
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(libpq_url(url)),
        poolclass=NullPool,
    )
    with engine.connect() as connection:
        # Reflection calls `unnest` without a schema: the first one in the path would answer.
        connection.exec_driver_sql("set local search_path = public")
        yield connection
        connection.rollback()
    engine.dispose()
