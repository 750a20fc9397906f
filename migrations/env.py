"""Runs the migrations in one transaction: for `pgqueue migrate`, and for `alembic` by hand.

`store.migrate` passes the database along; `alembic` takes it from the settings, PGQUEUE_URL among
them. The version table is `schema_version` in our own schema, so that it never meets the
application's.
"""

from alembic import context
from alembic.runtime.migration import MigrationContext
from psycopg import Connection
from sqlalchemy import NullPool, create_engine, text

from pgqueue.core.errors import NoDatabase
from pgqueue.core.settings import load_settings
from pgqueue.schema import revisions
from pgqueue.store.connection.database import Database
from pgqueue.store.schema_name import Schema

given = context.config.attributes
schema = Schema(given.get("pgqueue_schema") or load_settings().schema)

# One upgrade waits for another: both would otherwise find the same revisions pending. Then
# DDL gives up soon rather than queue behind a long transaction, with everybody behind it;
# `store.migrate` tries again.
PREPARE = (
    "set local statement_timeout = 0",
    "set local lock_timeout = '10s'",
    schema.qualify("select pg_advisory_xact_lock(hashtextextended('pgqueue.migrate', 0))"),
    "set local lock_timeout = '1s'",
    # What a migration names is built in: a function of the same name that stands in front of it
    # would stay in our functions for good.
    "set local search_path = pg_catalog, pg_temp",
)
CREATE_SCHEMA = f"create schema if not exists {schema.quoted}"
# It needs the right to create schemas even where ours exists, so it is asked first.
HAS_SCHEMA = text("select exists (select from pg_namespace where nspname = :name)")
# What a later revision adds belongs to whom the rest was handed over (`pgqueue migrate --roles`):
# a function of ours must not run with the rights of whoever happened to migrate.
ACT_AS_OWNER = text(
    """
    select set_config('role', owner.rolname, true)
    from pg_namespace as space
    join pg_roles as owner on owner.oid = space.nspowner
    where space.nspname = :name
      and owner.rolname <> current_user
      and pg_has_role(owner.oid, 'usage')
    """
)


def serve(*, ctx: MigrationContext, heads: set[str], **_: object) -> None:
    """Write down which releases work with the schema from now on."""
    for head in heads:  # one, or none any more
        served = ",".join(revisions.served(revisions.line(context.script, head)))
        ctx.execute(schema.qualify(f"update pgqueue.schema_version set serves = '{{{served}}}'"))


options = {
    "version_table": "schema_version",
    "version_table_schema": schema.name,
    "pgqueue_schema": schema.name,
    "on_version_apply": [serve, *filter(None, [given.get("pgqueue_on_apply")])],
}


def run_offline() -> None:
    """Print the migrations as SQL."""
    context.configure(dialect_name="postgresql", literal_binds=True, **options)
    with context.begin_transaction():
        for statement in (*PREPARE, CREATE_SCHEMA):
            context.execute(statement)
        context.run_migrations()


def run_online() -> None:
    """Run the migrations on the database."""
    engine = create_engine("postgresql+psycopg://", creator=_connect, poolclass=NullPool)
    with engine.begin() as connection:
        for statement in PREPARE:
            connection.execute(text(statement))
        if not connection.scalar(HAS_SCHEMA, {"name": schema.name}):
            connection.execute(text(CREATE_SCHEMA))
        connection.execute(ACT_AS_OWNER, {"name": schema.name})
        context.configure(connection=connection, **options)
        with context.begin_transaction():
            context.run_migrations()


def _connect() -> Connection:
    url = given.get("pgqueue_url") or load_settings().url
    if not url:
        raise NoDatabase()
    raw = Database(url, schema).open("pgqueue migrate").raw
    raw.autocommit = False
    return raw


if context.is_offline_mode():
    run_offline()
else:
    run_online()
