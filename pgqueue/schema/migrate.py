"""Migrate a database's schema, or list the pending revisions.

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

# A migration waits for a locked table for 1 s (in `migrations/env.py`), and later sessions wait
# behind it. The pause between two tries lets these sessions continue.
_TRIES_MAX = 10
_PAUSE_SECONDS_MAX = 1.0


def upgrade(url: str, schema: str = "pgqueue", *, after: bool = False) -> list[Revision]:
    """Apply pending revisions in one transaction and return those that were applied.

    Creates a missing schema. In an existing schema the upgrade stops before the first revision
    that is for after the deploy; `plan` lists the remaining ones. Of two concurrent upgrades one
    waits for the other and has nothing to do. Locked tables are tried ten times, for 1 s each.

    Args:
        after: Also apply revisions for after the deploy; no older release may run then.

    Raises:
        SchemaTooNew: A newer release migrated the database, which no longer serves this release.
        SchemaBusy: Other sessions kept tables locked; nothing was changed.
        UnsupportedDatabase: Its encoding is not UTF8; nothing was created.
        DatabaseUnreachable: No server answers, or it refuses us.
    """
    pending = plan(url, schema)
    is_first = pending == line(_scripts())
    chosen = pending if after or is_first else before_deploy(pending)
    if not chosen:
        return []
    tries = 1
    while True:
        try:
            return _upgrade(url, schema, chosen)
        except OperationalError as error:
            if not isinstance(error.orig, LockNotAvailable):
                raise
            if tries == _TRIES_MAX:
                raise SchemaBusy(tries, _lock_holders(url, schema)) from error
        tries += 1
        time.sleep(random.uniform(0.5, 1.0) * _PAUSE_SECONDS_MAX)


def plan(url: str, schema: str = "pgqueue") -> list[Revision]:
    """Return the revisions that are pending, oldest first; changes nothing.

    Raises:
        SchemaTooNew: A newer release migrated the database, which no longer serves this release.
        UnsupportedDatabase: Its encoding is not UTF8; nothing was created.
        DatabaseUnreachable: No server answers, or it refuses us.
    """
    link = Database(url, schema).open("pgqueue migrate")
    try:
        encoding = link.raw.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise UnsupportedDatabase(str(encoding))
        version = schema_version.read(link)
    finally:
        link.close()
    revisions = line(_scripts())
    if version is None:
        return revisions
    ids = [revision.id for revision in revisions]
    if version.revision in ids:
        return revisions[ids.index(version.revision) + 1 :]
    if schema_version.NEEDED not in version.serves:
        raise SchemaTooNew(found=version.revision, needed=schema_version.NEEDED)
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

    Needed where the application compares all schemas; without `include_schemas` Alembic does not
    read ours. In the application's `env.py`, with `functools.partial(include_name,
    schema=...)` where the setting `schema` names another one:

        context.configure(..., include_schemas=True, include_name=include_name)
    """
    return not (type_ == "schema" and name == schema)


def _upgrade(url: str, schema: str, chosen: list[Revision]) -> list[Revision]:
    applied: set[str] = set()

    def record(*, step: Any, **_: object) -> None:
        applied.add(step.up_revision_id)

    config = _config(schema, pgqueue_url=url, pgqueue_on_apply=record)
    command.upgrade(config, chosen[-1].id)
    return [revision for revision in chosen if revision.id in applied]


def _lock_holders(url: str, schema: str) -> list[str]:
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
