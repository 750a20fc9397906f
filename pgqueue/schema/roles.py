"""Database roles for the users of the queue, each with the rights that it needs and no others.

The rights are written in `sql/roles/*.sql`; this module applies them, compares them with the
database, or prints them. Called by `pgqueue migrate --roles`.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import psycopg

from pgqueue.core.errors import InvalidOption
from pgqueue.store import schema_version
from pgqueue.store.connection.access import AccessAdvice
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.schema_name import Schema, literal, quoted, read
from pgqueue.store.statement import Row, Statement, run

ROLES: Final = ("owner", "producer", "worker", "viewer", "operator")
"""The names of the roles, each after the prefix and an underscore."""

_FILES: Final = ("create", "part", "own", "close", "enqueue", "work", "view", "act")
_NAMES: Final = re.compile(rf"\bpgqueue_({'|'.join(ROLES)})\b|\bschema pgqueue\b|\bpgqueue\.")

# PostgreSQL's limit of a name, less the longest role and its underscore. PostgreSQL would cut a
# longer name without an error, and two roles would become one.
_PREFIX_BYTES_MAX: Final = 63 - max(map(len, ROLES)) - 1

_ADVICE: Final = (
    "Run this as a superuser, or as the role that owns the tables, with CREATEROLE and the right "
    "to create schemas; or give the SQL of `--sql` to a person who can run it."
)


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One thing that a role may do, such as `producer execute function enqueue`."""

    role: str
    privilege: str
    kind: str
    object: str

    def __str__(self) -> str:
        return f"{self.role} {self.privilege} {self.kind} {self.object}".rstrip()


@dataclass(frozen=True, slots=True)
class Changes:
    """The rights that were granted and revoked, or that would be."""

    granted: Sequence[Right]
    revoked: Sequence[Right]


def apply(url: str, schema: str = "pgqueue", prefix: str = "pgqueue") -> Changes:
    """Make the roles and their rights, in one transaction, and return what that changed.

    Revokes other rights of our roles and of PUBLIC, and memberships of our roles in each other. The
    grants of other roles stay.

    Raises:
        AccessDenied: The connection's role may not make roles or change the owner of the tables.
        InvalidOption: No role can have the prefix; or a role of that name is a superuser or the
            like, or a member of a role that is not ours.
        SchemaMismatch: The schema is not at the revision of this release.
        DatabaseUnreachable: No server answers, or it refuses us.
    """
    return _change(url, Schema(schema), prefix, keep=True)


def plan(url: str, schema: str = "pgqueue", prefix: str = "pgqueue") -> Changes:
    """The rights that `apply` would change: the change is made and rolled back.

    Raises:
        AccessDenied: The connection's role may not make roles or change the owner of the tables.
        InvalidOption: No role can have the prefix; or a role of that name is a superuser or the
            like, or a member of a role that is not ours.
        SchemaMismatch: The schema is not at the revision of this release.
        DatabaseUnreachable: No server answers, or it refuses us.
    """
    return _change(url, Schema(schema), prefix, keep=False)


def sql(schema: str = "pgqueue", prefix: str = "pgqueue") -> str:
    """The SQL text that `apply` runs, for a person to read and to run.

    Raises:
        InvalidOption: No role can have the prefix.
    """
    named = Schema(schema), prefix
    return f"begin;\n\n{_prepare(*named)}\n\n{_grants(*named)}\n\ncommit;\n"


def rights(prefix: str, schema: Schema) -> Statement[list[Right]]:
    """Every right on the schema and in it, from the catalogs, but for the rights of the owner."""
    params = {
        "prefix": prefix,
        "roles": [f"{prefix}_{role}" for role in ROLES],
        "schema": schema.name,
    }

    def decode(rows: Sequence[Row]) -> list[Right]:
        return sorted(Right(*row) for row in rows)

    return Statement("schema:list_rights", params, decode)


def _change(url: str, schema: Schema, prefix: str, *, keep: bool) -> Changes:
    prepare, change = _prepare(schema, prefix), _grants(schema, prefix)
    with _open(Database(url, schema)) as link:
        schema_version.check(link)
        with link.raw.transaction(force_rollback=not keep), AccessAdvice(_ADVICE):
            link.raw.execute(prepare.encode())
            before = run(link, rights(prefix, schema))
            try:
                link.raw.execute(change.encode())
            except psycopg.errors.DuplicateObject as error:
                raise InvalidOption("prefix", prefix, f"{error.diag.message_primary}.") from error
            after = run(link, rights(prefix, schema))
    return Changes(
        granted=[right for right in after if right not in before],
        revoked=[right for right in before if right not in after],
    )


@contextmanager
def _open(database: Database) -> Iterator[Link]:
    link = database.open("pgqueue migrate")
    try:
        yield link
    finally:
        link.close()


def _prepare(schema: Schema, prefix: str) -> str:
    _check_prefix(prefix)
    # The lock of migrations: roles and migrations must not change at once.
    lock = literal(f"{schema.quoted}.migrate")
    return "\n".join(
        (
            "set local search_path = pg_catalog, pg_temp;",
            "set local lock_timeout = '60s';",
            f"select pg_advisory_xact_lock(hashtextextended({lock}, 0));",
            "set local lock_timeout = '5s';",
            f"select set_config('roles.prefix', {literal(prefix)}, true);",
            f"select set_config('roles.schema', {literal(schema.name)}, true);",
        )
    )


def _grants(schema: Schema, prefix: str) -> str:
    return "\n\n".join(_with_names(read(f"schema:roles/{file}"), schema, prefix) for file in _FILES)


def _with_names(text: str, schema: Schema, prefix: str) -> str:
    def name(match: re.Match[str]) -> str:
        if role := match[1]:
            return quoted(f"{prefix}_{role}")
        return f"{schema.quoted}." if match[0] == "pgqueue." else f"schema {schema.quoted}"

    # One pass, because an inserted name may equal a name that is replaced.
    return _NAMES.sub(name, text)


def _check_prefix(prefix: str) -> None:
    size = len(prefix.encode(errors="replace"))
    if not 1 <= size <= _PREFIX_BYTES_MAX or prefix.startswith("pg_") or "\0" in prefix:
        raise InvalidOption(
            "prefix",
            prefix,
            f"it takes 1 to {_PREFIX_BYTES_MAX} bytes without NUL, and not 'pg_' at its "
            "beginning, which PostgreSQL keeps for itself.",
        )
