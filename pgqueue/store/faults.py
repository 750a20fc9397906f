"""Which of psycopg's errors pass by themselves, and which say that the data is at fault."""

import psycopg

from pgqueue.core.errors import DatabaseUnreachable

PASSING: tuple[type[Exception], ...] = (
    psycopg.OperationalError,  # lost connections, restarts, deadlocks, locks, a full disk
    psycopg.InterfaceError,  # a connection found closed
    psycopg.errors.ReadOnlySqlTransaction,  # a standby, until it is promoted
    DatabaseUnreachable,
)
"""Errors after which the same statement may succeed on a new connection."""

LOST: tuple[type[Exception], ...] = (psycopg.OperationalError,)
"""Errors that a connection gives when it breaks, among others."""

BAD_DATA: tuple[type[Exception], ...] = (psycopg.DataError,)
"""Errors that the same parameters will always give."""
