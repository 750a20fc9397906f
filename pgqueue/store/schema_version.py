"""Whether the database and this release fit together, checked before a worker or a command starts.

Reads one row and needs neither SQLAlchemy nor Alembic. Never migrates: that is `store.migrate`.

A release knows the revisions that it was made with, and the database names the releases that it
still serves, so that the older of two releases knows it too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import psycopg

from pgqueue.core.errors import SchemaMissing, SchemaTooNew, SchemaTooOld
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import Row, Statement, run

REVISIONS: Final = ("0001",)
"""Every revision that this release knows, oldest first, as `migrations/versions` holds them."""

NEEDED: Final = "0001"
"""The newest of them that has to be there before this release starts."""


@dataclass(frozen=True, slots=True)
class SchemaVersion:
    """What a database says of its schema: its revision, and the `NEEDED` of whom it serves."""

    revision: str
    serves: frozenset[str]


def read(link: Link) -> SchemaVersion | None:
    """Return what the database says of its schema; None when it was never migrated.

    Needs a connection of our own: a missing table would fail a caller's transaction.
    """
    try:
        return run(link, Statement("read_schema_version", {}, _found))
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return None


def check(link: Link) -> None:
    """Make sure that this release can work with the database.

    Raises:
        SchemaMissing: It was never migrated.
        SchemaTooOld: It waits for `pgqueue migrate`.
        SchemaTooNew: It was migrated by a newer release, and serves this one no more.
    """
    found = read(link)
    if found is None:
        raise SchemaMissing(found=None, needed=NEEDED, schema=link.schema.name)
    if found.revision in REVISIONS:
        if REVISIONS.index(found.revision) < REVISIONS.index(NEEDED):
            raise SchemaTooOld(found=found.revision, needed=NEEDED)
    elif NEEDED not in found.serves:
        raise SchemaTooNew(found=found.revision, needed=NEEDED)


def _found(rows: Sequence[Row]) -> SchemaVersion | None:
    return SchemaVersion(rows[0][0], frozenset(rows[0][1])) if rows else None
