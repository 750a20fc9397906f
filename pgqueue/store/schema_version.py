"""Whether the database and this release fit together, checked before a worker or a command starts.

Reads one row and needs neither SQLAlchemy nor Alembic. Never migrates: that is `schema.migrate`.

A release knows its own revisions. The database names the releases that it serves, so that an older
release knows whether it works with a newer schema.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import psycopg

from pgqueue.core.errors import SchemaMissing, SchemaTooNew, SchemaTooOld
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import Row, Statement, run

REVISIONS: Final = ("0001",)
"""Every revision that this release knows, oldest first, as in `migrations/versions`."""

NEEDED: Final = "0001"
"""The newest revision that this release needs."""


@dataclass(frozen=True, slots=True)
class SchemaVersion:
    """The revision of a database, and the `NEEDED` of each release that it serves."""

    revision: str
    serves: frozenset[str]


def read(link: Link) -> SchemaVersion | None:
    """The version of the database's schema; None when it was never migrated.

    Needs a connection of our own: a missing table would fail a caller's transaction.
    """
    try:
        return run(link, Statement("read_schema_version", {}, _version_from))
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return None


def check(link: Link) -> None:
    """Make sure that this release can work with the database.

    Raises:
        SchemaMissing: It was never migrated.
        SchemaTooOld: It needs `pgqueue migrate`.
        SchemaTooNew: It was migrated by a newer release, and no longer serves this release.
    """
    version = read(link)
    if version is None:
        raise SchemaMissing(found=None, needed=NEEDED, schema=link.schema.name)
    if version.revision in REVISIONS:
        if REVISIONS.index(version.revision) < REVISIONS.index(NEEDED):
            raise SchemaTooOld(found=version.revision, needed=NEEDED)
    elif NEEDED not in version.serves:
        raise SchemaTooNew(found=version.revision, needed=NEEDED)


def _version_from(rows: Sequence[Row]) -> SchemaVersion | None:
    return SchemaVersion(rows[0][0], frozenset(rows[0][1])) if rows else None
