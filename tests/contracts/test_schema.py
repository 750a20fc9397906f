"""The hand-written migrations and the metadata create equal schemas in PostgreSQL."""

from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from reflecting import reflecting
from sqlalchemy import Connection, Dialect
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateSequence, CreateTable

from pgqueue.schema import revisions
from pgqueue.schema.revisions import folder
from pgqueue.store import schema_version
from pgqueue.store.domains import Domain
from pgqueue.store.schema_name import Schema
from pgqueue.store.tables import metadata

DESCRIBED = Schema("described")

COLUMNS = """
    select
      class.relname,
      attribute.attname,
      attribute.attnum,
      format_type(attribute.atttypid, attribute.atttypmod),
      attribute.attnotnull,
      attribute.attidentity,
      pg_get_expr(value.adbin, value.adrelid)
    from pg_attribute as attribute
    join pg_class as class on class.oid = attribute.attrelid
    left join pg_attrdef as value
      on value.adrelid = attribute.attrelid
      and value.adnum = attribute.attnum
    where class.relnamespace = %(schema)s::regnamespace
      and class.relkind = 'r'
      and class.relname <> 'schema_version'
      and attribute.attnum > 0
    order by 1, 3
"""

CONSTRAINTS = """
    select class.relname, constraint_.conname, constraint_.contype::text,
      pg_get_constraintdef(constraint_.oid)
    from pg_constraint as constraint_
    join pg_class as class on class.oid = constraint_.conrelid
    where class.relnamespace = %(schema)s::regnamespace
      and class.relname <> 'schema_version'
      and constraint_.contype <> 't'
    order by 1, 2
"""

DOMAINS = """
    select
      domain.typname,
      format_type(domain.typbasetype, domain.typtypmod),
      constraint_.conname,
      pg_get_constraintdef(constraint_.oid)
    from pg_type as domain
    join pg_constraint as constraint_ on constraint_.contypid = domain.oid
    where domain.typnamespace = %(schema)s::regnamespace
    order by 1, 3
"""

INDEXES = """
    select tablename, indexname, indexdef
    from pg_indexes
    where schemaname = %(name)s
      and tablename <> 'schema_version'
    order by 1, 2
"""

SEQUENCES = """
    select
      sequencename, data_type::text, start_value, min_value, max_value, increment_by, cycle,
      cache_size
    from pg_sequences
    where schemaname = %(name)s
    order by 1
"""

STORAGE = """
    select
      class.relname,
      (select array_agg(option order by option) from unnest(class.reloptions) as option)
    from pg_class as class
    where class.relnamespace = %(schema)s::regnamespace
      and class.relkind = 'r'
      and class.relname <> 'schema_version'
    order by 1
"""


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    """A connection to a migrated database, in a transaction that is rolled back."""
    with reflecting(database_url) as connection:
        yield connection


def test_alembic_finds_no_difference_between_migrations_and_metadata(
    connection: Connection,
) -> None:
    context = MigrationContext.configure(
        connection,
        opts={
            "compare_type": True,
            "compare_server_default": True,
            "include_schemas": True,
            "include_name": lambda name, type_, _: type_ != "schema" or name == "pgqueue",
            "version_table": "schema_version",
            "version_table_schema": "pgqueue",
        },
    )

    differences = compare_metadata(context, metadata)

    assert [] == differences


@pytest.mark.parametrize(
    "query",
    [DOMAINS, COLUMNS, CONSTRAINTS, INDEXES, SEQUENCES],
    ids=lambda text: text.split()[1],
)
def test_the_metadata_creates_what_the_migrations_create(
    connection: Connection, query: str
) -> None:
    _create_described(connection)

    migrated = _rows(connection, query, Schema("pgqueue"))
    described = _rows(connection, query, DESCRIBED)

    assert migrated == described
    assert migrated != []


def test_tables_have_the_storage_options_of_the_metadata(connection: Connection) -> None:
    expected = {
        table.name: sorted(f"{name}={value}" for name, value in table.info["storage"].items())
        for table in metadata.tables.values()
    }

    rows = _rows(connection, STORAGE, Schema("pgqueue"))

    assert expected == {name: storage or [] for name, storage in rows}


def test_the_release_knows_exactly_the_revisions_in_the_folder() -> None:
    scripts = ScriptDirectory(str(folder()))

    line = revisions.line(scripts)

    assert list(schema_version.REVISIONS) == [revision.id for revision in line]
    assert schema_version.NEEDED == revisions.served(line)[-1]


def _create_described(connection: Connection) -> None:
    dialect = postgresql.dialect()
    connection.exec_driver_sql(f"create schema {DESCRIBED.quoted}")
    for domain in _domains():
        connection.exec_driver_sql(DESCRIBED.qualify(_create_domain(domain, dialect)))
    statements = [CreateSequence(sequence) for sequence in metadata._sequences.values()]
    for table in metadata.sorted_tables:
        statements += [CreateTable(table), *map(CreateIndex, sorted(table.indexes, key=str))]
    for statement in statements:
        text = str(statement.compile(dialect=dialect))
        connection.exec_driver_sql(DESCRIBED.qualify(text))


def _domains() -> list[Domain]:
    """The domains of all columns, each once."""
    types = [column.type for table in metadata.sorted_tables for column in table.columns]
    return list(dict.fromkeys(type_ for type_ in types if isinstance(type_, Domain)))


def _create_domain(domain: Domain, dialect: Dialect) -> str:
    base = domain.impl.compile(dialect=dialect)
    checks = [f"constraint {name} check ({condition})" for name, condition in domain.checks]
    return f"create domain pgqueue.{domain.name} as {base} {' '.join(checks)}"


def _rows(connection: Connection, query: str, schema: Schema) -> list[tuple[object, ...]]:
    """The rows of *query* for one schema, without its name in definitions."""
    rows = connection.exec_driver_sql(query, {"schema": schema.quoted, "name": schema.name})
    return [
        tuple(
            value.replace(f"{schema.name}.", "") if isinstance(value, str) else value
            for value in row
        )
        for row in rows
    ]
