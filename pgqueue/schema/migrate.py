"""Bring a database's schema up to date, or say what that would do.

Called by `pgqueue migrate`, by tests and by applications that migrate in their own deploy.
"""

import random
import time
from collections.abc import MutableMapping
from io import StringIO
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg.errors import LockNotAvailable
from sqlalchemy.exc import OperationalError

from pgqueue.core.errors import SchemaBusy, SchemaTooNew, UnsupportedDatabase
from pgqueue.schema.revisions import Revision, before_deploy, folder, line
from pgqueue.store import schema_version
from pgqueue.store.connection.database import Database
from pgqueue.store.schema_name import Schema
from pgqueue.store.statement import Statement, first_column, run

# Each time a migration waits for a table for 1 s (in `migrations/env.py`), and everybody who asks
# for it waits behind; then it lets them through.
_TRIES_MAX = 10
_PAUSE_SECONDS_MAX = 1.0


def upgrade(url: str, schema: str = "pgqueue", *, after: bool = False) -> list[Revision]:
    """Apply pending revisions in one transaction and return those that were applied.

    Creates the schema when it is missing. Where it is there already, this stops in front of the
    first revision that is for after the deploy; `plan` tells what is left. Of two upgrades at
    the same time one waits for the other and finds nothing to do. Tables that others have locked
    are asked for ten times, for 1 s each.

    Args:
        after: Apply what is for after the deploy too; nothing of an older release may run then.

    Raises:
        SchemaTooNew: The database was migrated by a newer release, and serves this one no more.
        SchemaBusy: Tables stayed locked by others; nothing was changed.
        UnsupportedDatabase: Its encoding is not UTF8; nothing was made.
        DatabaseUnreachable: No server answers, or it refuses us.
    """
    pending = plan(url, schema)
    is_first = pending == line(_scripts())
    wanted = pending if after or is_first else before_deploy(pending)
    if not wanted:
        return []
    tries = 1
    while True:
        try:
            return _upgrade(url, schema, wanted)
        except OperationalError as error:
            if not isinstance(error.orig, LockNotAvailable):
                raise
            if tries == _TRIES_MAX:
                raise SchemaBusy(tries, _lockers(url, schema)) from error
        tries += 1
        time.sleep(random.uniform(0.5, 1.0) * _PAUSE_SECONDS_MAX)


def plan(url: str, schema: str = "pgqueue") -> list[Revision]:
    """Return the revisions that are pending, oldest first; changes nothing.

    Raises:
        SchemaTooNew: The database was migrated by a newer release, and serves this one no more.
        UnsupportedDatabase: Its encoding is not UTF8; nothing was made.
        DatabaseUnreachable: No server answers, or it refuses us.
    """
    link = Database(url, schema).open("pgqueue migrate")
    try:
        encoding = link.raw.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise UnsupportedDatabase(str(encoding))
        found = schema_version.read(link)
    finally:
        link.close()
    revisions = line(_scripts())
    if found is None:
        return revisions
    ids = [each.id for each in revisions]
    if found.revision in ids:
        return revisions[ids.index(found.revision) + 1 :]
    if schema_version.NEEDED not in found.serves:
        raise SchemaTooNew(found=found.revision, needed=schema_version.NEEDED)
    return []


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


def _upgrade(url: str, schema: str, wanted: list[Revision]) -> list[Revision]:
    applied: set[str] = set()

    def note(*, step: Any, **_: object) -> None:
        applied.add(step.up_revision_id)

    config = _config(schema, pgqueue_url=url, pgqueue_on_apply=note)
    command.upgrade(config, wanted[-1].id)
    return [each for each in wanted if each.id in applied]


def _lockers(url: str, schema: str) -> list[str]:
    link = Database(url, schema).open("pgqueue migrate")
    try:
        return run(link, Statement("schema:lock_holders", {"schema": schema}, first_column))
    finally:
        link.close()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config(
    schema: str = "pgqueue", *, output_buffer: StringIO | None = None, **attributes: object
) -> Config:
    config = Config(
        output_buffer=output_buffer,
        attributes={"pgqueue_schema": Schema(schema).name, **attributes},
    )
    config.set_main_option("script_location", str(folder()).replace("%", "%%"))
    return config
