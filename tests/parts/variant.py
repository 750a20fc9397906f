"""Variants of the test databases, one for a whole run of the tests.

PGQUEUE_TEST_VARIANT names the variant. Without one, databases have PostgreSQL's defaults.
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
    """The differences of all databases of a run.

    Attributes:
        settings: The settings of every session, as SQL text by name.
        is_hostile: Whether a hostile schema stands before ours in the search path.
        first_id: The first value of every sequence.
    """

    name: str
    settings: dict[str, str]
    is_hostile: bool = False
    first_id: int | None = None

    def meet(self, connection: "psycopg.Connection[Any]") -> None:
        """Prepare a database for its migration; no other session follows on it before."""
        if self.is_hostile:
            hostile.overload(connection)

    def spoil(self, connection: "psycopg.Connection[Any]") -> None:
        """Change a migrated database for the tests."""
        if self.is_hostile:
            hostile.shadow(connection)
        if self.first_id is not None:
            sequences = connection.execute(_SEQUENCES).fetchall()
            for (name,) in sequences:
                text = sql.SQL("alter sequence pgqueue.{} restart {}")
                connection.execute(text.format(sql.Identifier(name), self.first_id))

    def set(self, connection: "psycopg.Connection[Any]", database: str) -> None:
        """Set the settings of every session in a database; a copy of a template lacks them."""
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
    variant.name: variant
    for variant in (
        Variant("serializable", {"default_transaction_isolation": "serializable"}),
        Variant("hurried", {"statement_timeout": "'2s'"}),
        Variant("hostile", {"search_path": "evil, public"}, is_hostile=True),
        # These values exceed an `integer`.
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
