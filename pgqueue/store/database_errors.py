"""Which of psycopg's errors pass by themselves, and which say that the data is at fault."""

import psycopg

from pgqueue.core.errors import DatabaseUnreachable

TRANSIENT_ERRORS: tuple[type[Exception], ...] = (
    psycopg.OperationalError,  # lost connections, restarts, deadlocks, locks, a full disk
    psycopg.InterfaceError,  # a connection found closed
    psycopg.errors.ReadOnlySqlTransaction,  # see READ_ONLY
    DatabaseUnreachable,
)
"""Errors after which the same statement may succeed on a new connection."""

READ_ONLY_ERRORS: tuple[type[Exception], ...] = (psycopg.errors.ReadOnlySqlTransaction,)
"""Errors of a server that takes no writes: a standby until it is promoted, or a demoted primary,
which keeps its sessions while new ones are led to its successor."""

CONNECTION_ERRORS: tuple[type[Exception], ...] = (psycopg.OperationalError,)
"""Errors that a connection gives when it breaks, among others."""

DATA_ERRORS: tuple[type[Exception], ...] = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.RaiseException,  # a trigger of somebody's
    psycopg.errors.ProgramLimitExceeded,  # too large for a row, for jsonb, for a message
    psycopg.errors.UntranslatableCharacter,
)
"""Errors that the same parameters will always give."""

RESOURCE_ERRORS: tuple[type[Exception], ...] = (
    psycopg.errors.QueryCanceled,  # it took longer than the statement timeout
    psycopg.errors.OutOfMemory,
)
"""Errors that less at once may avoid."""

DATABASE_ERRORS: tuple[type[Exception], ...] = (psycopg.Error,)
"""Every error of the database."""
