"""Bring a database's schema up to date, or say what that would do.

Called by `pgqueue migrate`, by tests and by applications that migrate in their own deploy. The
migrations come from the installed package, else from the checkout beside it.
"""

from collections.abc import MutableMapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from pgqueue.core.errors import SchemaTooNew
from pgqueue.store import version
from pgqueue.store.connect import Database
from pgqueue.store.schema import Schema


@dataclass(frozen=True, slots=True)
class Revision:
    """One step of the schema: its id and the first line of what it says about itself."""

    id: str
    title: str


def upgrade(url: str, schema: str = "pgqueue") -> list[Revision]:
    """Apply every pending revision in one transaction and return those that were applied.

    Creates the schema when it is missing. Of two upgrades at the same time one waits for the
    other and finds nothing to do. A lock that is not had within 5 s ends it, with nothing changed.

    Raises:
        SchemaTooNew: The database was migrated by a newer release.
        DatabaseUnreachable: No server answers, or it refuses us.
    """
    _pending(url, schema)
    applied: list[str] = []

    def note(*, step: Any, **_: object) -> None:
        applied.append(step.up_revision_id)

    command.upgrade(_config(schema, pgqueue_url=url, pgqueue_on_apply=note), "head")
    return _described(applied)


def plan(url: str, schema: str = "pgqueue") -> list[Revision]:
    """Return the revisions that `upgrade` would apply, oldest first; changes nothing.

    Raises:
        SchemaTooNew: The database was migrated by a newer release.
        DatabaseUnreachable: No server answers, or it refuses us.
    """
    return _described(_pending(url, schema))


def sql(schema: str = "pgqueue") -> str:
    """Return every migration as SQL text, from an empty database to this release."""
    text = StringIO()
    command.upgrade(_config(schema, output_buffer=text), "head", sql=True)
    return text.getvalue()


def include_name(
    name: str | None,
    type_: str,
    parent_names: MutableMapping[Any, str | None],
    *,
    schema: str = "pgqueue",
) -> bool:
    """Keep pgqueue's schema out of an application's Alembic autogenerate.

    Needed where the application compares all schemas; without `include_schemas` Alembic never
    looks into ours. In the application's `env.py`, with `functools.partial(include_name,
    schema=...)` where the setting `schema` names another one:

        context.configure(..., include_schemas=True, include_name=include_name)
    """
    return not (type_ == "schema" and name == schema)


def folder() -> Path:
    """Return the folder of the migrations, in the wheel or in the checkout."""
    package = Path(__file__).parents[1]
    for place in (package / "migrations", package.parent / "migrations"):
        if place.joinpath("env.py").is_file():
            return place
    raise FileNotFoundError(f"{package} has no migrations. Install pgqueue from its wheel again.")


def _pending(url: str, schema: str) -> tuple[str, ...]:
    link = Database(url, schema).open("pgqueue migrate")
    try:
        found = version.current(link)
    finally:
        link.close()
    if found is None:
        return version.REVISIONS
    if found not in version.REVISIONS:
        raise SchemaTooNew(found=found, needed=version.NEWEST)
    return version.REVISIONS[version.REVISIONS.index(found) + 1 :]


def _described(revisions: tuple[str, ...] | list[str]) -> list[Revision]:
    scripts = ScriptDirectory.from_config(_config())
    return [Revision(each, scripts.get_revision(each).doc) for each in revisions]


def _config(
    schema: str = "pgqueue", *, output_buffer: StringIO | None = None, **attributes: object
) -> Config:
    config = Config(
        output_buffer=output_buffer,
        attributes={"pgqueue_schema": Schema(schema).name, **attributes},
    )
    config.set_main_option("script_location", str(folder()).replace("%", "%%"))
    return config
