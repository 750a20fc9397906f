"""Whether a scenario detects an altered statement."""

from collections.abc import Callable

import psycopg
from queue_database import QueueDatabase


def emptied(db: QueueDatabase) -> QueueDatabase:
    """The database without a row.

    Deleted rows would let autovacuum free their places in the middle of a scenario. The next
    version of a row could then precede the rows that the scenario means it to follow.
    """
    db.rows(
        "truncate pgqueue.logs, pgqueue.attempts, pgqueue.jobs, pgqueue.workers, "
        "pgqueue.supervisors, pgqueue.requests, pgqueue.contact"
    )
    return db


def is_detected(db: QueueDatabase, scenario: Callable[[QueueDatabase], None]) -> bool:
    """Whether the scenario fails on this database."""
    try:
        scenario(db)
    except AssertionError:
        return True
    except psycopg.Error:
        # A database error proves nothing: a mutant that cannot run raises one too.
        return False
    return False
