"""Runs the migrations in one transaction: for `pgqueue migrate`, and for `alembic` by hand.

`schema.migrate` passes the URL of the database; `alembic` reads it from the settings, such as
PGQUEUE_URL. The version table is `schema_version` in our own schema, apart from the version table
of the application.
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

attributes = context.config.attributes
schema = Schema(attributes.get("pgqueue_schema") or load_settings().schema)

# One upgrade waits for another: otherwise both would apply the pending revisions. DDL fails soon:
# while it waits for a long transaction, all later sessions wait behind it. `schema.migrate` tries
# again.
PREPARE = (
    "set local statement_timeout = 0",
    "set local lock_timeout = '10s'",
    schema.qualify("select pg_advisory_xact_lock(hashtextextended('pgqueue.migrate', 0))"),
    "set local lock_timeout = '1s'",
    # Migrations name built-in functions. A function of equal name earlier in the path would stay
    # in our functions for good.
    "set local search_path = pg_catalog, pg_temp",
)
CREATE_SCHEMA = f"create schema if not exists {schema.quoted}"
# `create schema` needs its right even where the schema exists, so this is checked first.
HAS_SCHEMA = text("select exists (select from pg_namespace where nspname = :name)")
# New objects belong to the owner of the schema (`pgqueue migrate --roles` changes the owner): a
# function of ours must not run with the rights of the role that migrates.
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
    """Record which releases work with the schema from now on."""
    for head in heads:  # one head, or none after a downgrade
        served = ",".join(revisions.served(revisions.line(context.script, head)))
        ctx.execute(schema.qualify(f"update pgqueue.schema_version set serves = '{{{served}}}'"))


options = {
    "version_table": "schema_version",
    "version_table_schema": schema.name,
    "pgqueue_schema": schema.name,
    "on_version_apply": [serve, *filter(None, [attributes.get("pgqueue_on_apply")])],
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
    url = attributes.get("pgqueue_url") or load_settings().url
    if not url:
        raise NoDatabase()
    raw = Database(url, schema).open("pgqueue migrate").raw
    raw.autocommit = False
    return raw


if context.is_offline_mode():
    run_offline()
else:
    run_online()
