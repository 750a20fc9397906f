"""Databases that are not as we would have them: one variant for a whole run of the tests.

PGQUEUE_TEST_VARIANT names it. Without one, databases are as PostgreSQL makes them.
"""

import os
from dataclasses import dataclass
from typing import Any

import hostile
import psycopg
import pytest
from psycopg import sql


@dataclass(frozen=True, slots=True)
class Variant:
    """What is different in every database of a run.

    Attributes:
        settings: By name, the values that its sessions begin with, written as in SQL.
        is_hostile: A schema of somebody else's is full of what stands in front of ours.
        first_id: Where every sequence begins.
    """

    name: str
    settings: dict[str, str]
    is_hostile: bool = False
    first_id: int | None = None

    def meet(self, connection: "psycopg.Connection[Any]") -> None:
        """Make a database what the migrations are to find, of whom this session is the last."""
        if self.is_hostile:
            hostile.overload(connection)

    def spoil(self, connection: "psycopg.Connection[Any]") -> None:
        """Make a migrated database what the tests are to find."""
        if self.is_hostile:
            hostile.shadow(connection)
        if self.first_id is not None:
            sequences = connection.execute(_SEQUENCES).fetchall()
            for (name,) in sequences:
                text = sql.SQL("alter sequence pgqueue.{} restart {}")
                connection.execute(text.format(sql.Identifier(name), self.first_id))

    def set(self, connection: "psycopg.Connection[Any]", database: str) -> None:
        """Let every session in a database begin with the settings; no template hands them on."""
        for name, value in self.settings.items():
            text = sql.SQL("alter database {} set {} to {}")
            connection.execute(
                text.format(sql.Identifier(database), sql.Identifier(name), sql.SQL(value))
            )


_SEQUENCES = """
select relname
from pg_catalog.pg_class
where relkind = 'S' and relnamespace = 'pgqueue'::pg_catalog.regnamespace
"""

VARIANTS = {
    each.name: each
    for each in (
        Variant("serializable", {"default_transaction_isolation": "serializable"}),
        Variant("hurried", {"statement_timeout": "'2s'"}),
        Variant("hostile", {"search_path": "evil, public"}, is_hostile=True),
        # Past what an `integer` holds.
        Variant("far", {}, first_id=3_000_000_000),
    )
}


def chosen() -> Variant:
    """The variant of this run."""
    name = os.environ.get("PGQUEUE_TEST_VARIANT")
    if name and name not in VARIANTS:
        raise pytest.UsageError(
            f"PGQUEUE_TEST_VARIANT is {name!r}, and the variants are {', '.join(VARIANTS)}."
        )
    return VARIANTS[name] if name else Variant("plain", {})
