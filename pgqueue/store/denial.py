"""Says what to do when PostgreSQL denies a right, wherever a statement is asked."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from pgqueue.core.errors import AccessDenied

_ADVICE = (
    "Grant its role what it is to do: `pgqueue migrate --roles` makes one for each use, "
    "pgqueue_producer to enqueue, pgqueue_worker to run workers, pgqueue_viewer to read, and "
    "pgqueue_operator to read, cancel and retry."
)


@contextmanager
def explained(advice: str = _ADVICE) -> Iterator[None]:
    """Turn PostgreSQL's denial of a right into ours, with advice.

    Raises:
        AccessDenied: The role of the connection lacks a right.
    """
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        reason = error.diag.message_primary or str(error)
        raise AccessDenied(reason=reason, advice=advice) from error
