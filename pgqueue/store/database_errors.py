"""Groups of psycopg's errors: transient ones, and errors of the data or of resources."""

from typing import Final

import psycopg

from pgqueue.core.errors import AccessDenied, DatabaseUnreachable

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

DATABASE_ERRORS: tuple[type[Exception], ...] = (psycopg.Error, AccessDenied)
"""Every error of the database."""

# SQLSTATE classes of errors that pass by themselves, or that concern the server or the session:
# connections, authorization, conflicts between transactions, resources, locks, an operator, the
# system. Read-only transactions are of class 25.
_PASSING_CLASSES: Final = frozenset({"08", "25", "28", "3D", "40", "53", "55", "57", "58", "XX"})

# Classes of errors that triggers, and views with a check option, raise by themselves.
_TRIGGER_CLASSES: Final = frozenset({"09", "27", "44"})


def is_refusal(error: BaseException) -> bool:
    """Whether the database refuses a row: its data, a constraint, or code of the application.

    A trigger may raise an error of any class. Such an error has a context, which names the
    function of the trigger; an error of our own statement, such as a missing right, has none.
    """
    if isinstance(error, AccessDenied) and error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, DATA_ERRORS):
        return True
    if not isinstance(error, psycopg.Error) or error.sqlstate is None:
        return False
    error_class = error.sqlstate[:2]
    if error_class in _PASSING_CLASSES:
        return False
    return error_class in _TRIGGER_CLASSES or error.diag.context is not None


def refusal_source(error: BaseException) -> str:
    """What refused a row: the constraint, or the SQLSTATE and the code that raised it."""
    diag = error.diag if isinstance(error, psycopg.Error) else None
    if diag is not None and diag.constraint_name is not None:
        return f"{diag.schema_name}.{diag.table_name}.{diag.constraint_name}"
    where = (diag.context or "").partition("\n")[0] if diag is not None else ""
    return f"{getattr(error, 'sqlstate', None)} {where}"


def first_line(error: BaseException) -> str:
    """The message of an error without its details, which may show values of a row."""
    return str(error).strip().partition("\n")[0]
