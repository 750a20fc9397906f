"""Groups of psycopg's errors: transient ones, and errors of the data or of resources."""

import psycopg

from pgqueue.core.errors import DatabaseUnreachable

TRANSIENT_ERRORS: tuple[type[Exception], ...] = (
    psycopg.OperationalError,  # lost connections, restarts, deadlocks, locks, a full disk
    psycopg.InterfaceError,  # a connection found closed
    psycopg.errors.ReadOnlySqlTransaction,  # see READ_ONLY_ERRORS
    DatabaseUnreachable,
)
"""Errors after which the statement may succeed on a new connection."""

READ_ONLY_ERRORS: tuple[type[Exception], ...] = (psycopg.errors.ReadOnlySqlTransaction,)
"""Errors of a read-only server: a standby until its promotion, or a demoted primary, which keeps
its sessions while new connections reach its successor."""

CONNECTION_ERRORS: tuple[type[Exception], ...] = (psycopg.OperationalError,)
"""Errors of a broken connection, among others."""

DATA_ERRORS: tuple[type[Exception], ...] = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.RaiseException,  # raised by a trigger of the application
    psycopg.errors.ProgramLimitExceeded,  # too large for a row, for jsonb, for a message
    psycopg.errors.UntranslatableCharacter,
)
"""Errors that a repetition with equal parameters raises again."""

RESOURCE_ERRORS: tuple[type[Exception], ...] = (
    psycopg.errors.QueryCanceled,  # it took longer than the statement timeout
    psycopg.errors.OutOfMemory,
)
"""Errors that a smaller batch may avoid."""

LOCK_ERRORS: tuple[type[Exception], ...] = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.QueryCanceled,  # several waits for locks, one after the other
)
"""Errors of a statement that waited for too long for rows that others had locked."""

DATABASE_ERRORS: tuple[type[Exception], ...] = (psycopg.Error,)
"""Every error of the database."""
