"""Whether the database and this release fit together, asked before a worker or a command starts.

Reads one row and needs neither SQLAlchemy nor Alembic. Never migrates: that is `store.migrate`.
"""

from collections.abc import Sequence
from typing import Final

import psycopg

from pgqueue.core.errors import SchemaMissing, SchemaTooNew, SchemaTooOld
from pgqueue.store.connect import Link
from pgqueue.store.statement import Row, Statement, run

REVISIONS: Final = ("0001",)
"""Every revision that this release knows, oldest first, as `migrations/versions` holds them."""

NEWEST: Final = REVISIONS[-1]
"""The revision that this release needs."""


def current(link: Link) -> str | None:
    """Return the revision that the database is at; None when it was never migrated.

    Asks on a connection of our own: a missing table would spoil a caller's transaction.
    """
    try:
        return run(link, Statement("version", {}, _revision))
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return None


def check(link: Link) -> None:
    """Make sure that the database is at the revision that this release needs.

    Raises:
        SchemaMissing: It was never migrated.
        SchemaTooOld: It waits for `pgqueue migrate`.
        SchemaTooNew: It was migrated by a newer release.
    """
    found = current(link)
    if found is None:
        raise SchemaMissing(found=None, needed=NEWEST, schema=link.schema.name)
    if found not in REVISIONS:
        raise SchemaTooNew(found=found, needed=NEWEST)
    if found != NEWEST:
        raise SchemaTooOld(found=found, needed=NEWEST)


def _revision(rows: Sequence[Row]) -> str | None:
    return rows[0][0] if rows else None
