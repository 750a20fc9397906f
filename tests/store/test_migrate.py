"""Migrations of an empty database: repeated, concurrent, by Alembic, beside an application."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import Column, Integer, MetaData, NullPool, Table, create_engine

from pgqueue.core.errors import (
    DatabaseUnreachable,
    SchemaMissing,
    SchemaTooNew,
    SchemaTooOld,
    UnsupportedDatabase,
)
from pgqueue.schema import migrate
from pgqueue.schema.revisions import Revision
from pgqueue.store import schema_version
from pgqueue.store.connection.database import Database, libpq_url
from pgqueue.store.connection.link import Link
from pgqueue.store.schema_name import Schema

FIRST = Revision(
    "0001",
    "The first schema: jobs, attempts, logs, workers and tasks, with functions and views.",
    "before",
)
ODD_NAMES = [
    *("pgqueue", 'a"b', "Mixed", "select", "it's", "ü b-c"),
    *("pgqueue.", "my pgqueue.jobs", "x'pgqueue.y", "a in schema pgqueue b", 'pgqueue."pgqueue.'),
]


@pytest.fixture
def empty_url(database_url: str) -> Iterator[str]:
    """A database without our schema."""
    params = conninfo_to_dict(libpq_url(database_url))
    name = f"{params['dbname']}_empty"
    with psycopg.connect(libpq_url(database_url), autocommit=True) as admin:
        admin.execute(f"create database {name} template template0".encode())
        yield make_conninfo(**{**params, "dbname": name})
        admin.execute(f"drop database {name} with (force)".encode())


@pytest.fixture
def empty_link(empty_url: str) -> Iterator[Link]:
    """A connection to a database without our schema."""
    link = Database(empty_url).open()
    yield link
    link.close()


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_cannot_hold_every_text_is_refused(
    database_url: str, encoding: str
) -> None:
    params = conninfo_to_dict(libpq_url(database_url))
    name = f"{params['dbname']}_{encoding.lower()}"
    with psycopg.connect(libpq_url(database_url), autocommit=True) as admin:
        admin.execute(
            f"create database {name} encoding '{encoding}' locale 'C' template template0".encode()
        )
        with pytest.raises(UnsupportedDatabase, match=f"encoding is {encoding}; jobs need UTF8"):
            migrate.upgrade(make_conninfo(**{**params, "dbname": name}))
        admin.execute(f"drop database {name} with (force)".encode())


@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_empty_database_is_migrated_under_any_name(empty_url: str, name: str) -> None:
    planned = migrate.plan(empty_url, name)

    applied = migrate.upgrade(empty_url, name)

    assert [FIRST] == planned == applied
    assert [] == migrate.plan(empty_url, name) == migrate.upgrade(empty_url, name)
    assert {name} == _schemas(empty_url)


def test_a_plan_changes_nothing(empty_url: str) -> None:
    migrate.plan(empty_url)

    assert set() == _schemas(empty_url)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_the_printed_sql_does_what_an_upgrade_does(
    empty_url: str, empty_link: Link, name: str
) -> None:
    text = migrate.sql(name)

    empty_link.raw.execute(text.encode())

    assert [] == migrate.plan(empty_url, name)
    assert {name} == _schemas(empty_url)


def test_exactly_one_of_concurrent_upgrades_applies_each_revision(empty_url: str) -> None:
    def upgrade(_: int) -> list[str]:
        # Each upgrade needs its own process: Alembic has one `context` per process.
        code = (
            "import sys; from pgqueue.schema.migrate import upgrade;"
            "print(*[revision.id for revision in upgrade(sys.argv[1])])"
        )
        process = subprocess.run(
            [sys.executable, "-c", code, empty_url], capture_output=True, text=True, check=True
        )
        return process.stdout.split()

    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(upgrade, range(4)))

    assert [[], [], [], ["0001"]] == sorted(applied)


@pytest.mark.own_session
def test_an_upgrade_waits_while_another_session_has_the_lock(
    empty_url: str, empty_link: Link
) -> None:
    holding = "select pg_advisory_xact_lock(hashtextextended('pgqueue.migrate', 0))"
    waiting = (
        "select count(*) from pg_stat_activity"
        " where application_name = 'pgqueue migrate' and wait_event = 'advisory'"
    )
    with ThreadPoolExecutor(1) as pool:
        with empty_link.raw.transaction():
            empty_link.raw.execute(Schema().qualify(holding).encode())
            upgrade = pool.submit(migrate.upgrade, empty_url)
            with psycopg.connect(empty_url, autocommit=True) as observer:
                while not upgrade.done() and _value(observer, waiting) == 0:
                    pass
                is_done_too_early = upgrade.done()

        applied = upgrade.result(timeout=30)

    assert is_done_too_early is False
    assert [FIRST] == applied


@pytest.mark.own_session
def test_a_role_that_cannot_create_schemas_migrates_one_made_for_it(
    empty_url: str, empty_link: Link
) -> None:
    empty_link.raw.execute("drop role if exists pgqueue_tenant")
    empty_link.raw.execute("create role pgqueue_tenant login")
    empty_link.raw.execute("create schema pgqueue authorization pgqueue_tenant")
    url = make_conninfo(empty_url, options="-c role=pgqueue_tenant")

    applied = migrate.upgrade(url)

    assert [FIRST] == applied
    empty_link.raw.execute("drop owned by pgqueue_tenant")
    empty_link.raw.execute("drop role pgqueue_tenant")


def test_alembic_itself_upgrades_the_database_named_in_the_environment(empty_url: str) -> None:
    checkout = Path(__file__).parents[2]
    environment = {**os.environ, "PGQUEUE_URL": empty_url, "PGQUEUE_SCHEMA": "Mixed"}

    subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=checkout,
        env=environment,
        check=True,
        capture_output=True,
    )

    assert [] == migrate.plan(empty_url, "Mixed")


def test_a_downgrade_leaves_nothing_behind(empty_url: str, empty_link: Link) -> None:
    migrate.upgrade(empty_url, 'a"b')
    environment = {**os.environ, "PGQUEUE_URL": empty_url, "PGQUEUE_SCHEMA": 'a"b'}

    subprocess.run(
        [sys.executable, "-m", "alembic", "downgrade", "base"],
        cwd=Path(__file__).parents[2],
        env=environment,
        check=True,
        capture_output=True,
    )

    remaining = empty_link.fetch(
        """
        select relname from pg_class where relnamespace = %(schema)s::regnamespace
        union all
        select proname from pg_proc where pronamespace = %(schema)s::regnamespace
        """,
        {"schema": Schema('a"b').quoted},
    )
    assert [("schema_version",), ("schema_version_pkc",)] == sorted(remaining)


def test_a_missing_an_old_and_a_new_schema_raise_different_errors(
    empty_url: str, empty_link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SchemaMissing, match="pgqueue migrate"):
        schema_version.check(empty_link)

    migrate.upgrade(empty_url)
    schema_version.check(empty_link)

    monkeypatch.setattr(schema_version, "REVISIONS", ("0001", "0002"))
    monkeypatch.setattr(schema_version, "NEEDED", "0002")
    with pytest.raises(SchemaTooOld, match="at revision 0001 and this release needs 0002"):
        schema_version.check(empty_link)

    monkeypatch.undo()
    empty_link.raw.execute("update pgqueue.schema_version set version_num = '9999'")
    schema_version.check(empty_link)
    assert [] == migrate.upgrade(empty_url)

    empty_link.raw.execute("update pgqueue.schema_version set serves = '{9998}'")
    with pytest.raises(SchemaTooNew, match="at revision 9999"):
        schema_version.check(empty_link)
    with pytest.raises(SchemaTooNew, match="at revision 9999"):
        migrate.upgrade(empty_url)


def test_checking_the_version_loads_neither_sqlalchemy_nor_alembic() -> None:
    code = (
        "import sys, pgqueue.store.schema_version;"
        "print([name for name in ('sqlalchemy', 'alembic') if name in sys.modules])"
    )

    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert "[]" == process.stdout.strip()


def test_an_unreachable_server_raises_database_unreachable() -> None:
    with pytest.raises(DatabaseUnreachable, match="cannot be used"):
        migrate.upgrade("postgresql://nobody@127.0.0.1:1/nowhere")


@pytest.mark.parametrize("name", ["pgqueue", 'a"b'])
@pytest.mark.parametrize("compares_all_schemas", [False, True])
def test_an_applications_autogenerate_never_drops_our_tables(
    empty_url: str, name: str, compares_all_schemas: bool
) -> None:
    migrate.upgrade(empty_url, name)
    application = MetaData()
    Table("customers", application, Column("id", Integer, primary_key=True))
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(empty_url), poolclass=NullPool
    )
    options: dict[str, object] = {}
    if compares_all_schemas:
        options["include_schemas"] = True
        options["include_name"] = (
            migrate.include_name
            if name == "pgqueue"
            else partial(migrate.include_name, schema=name)
        )

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        differences = compare_metadata(context, application)

    assert [("add_table", "customers")] == [
        (difference[0], difference[1].name) for difference in differences
    ]


def _schemas(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            """
            select nspname from pg_namespace
            where nspname not like 'pg\\_%' and nspname not in ('information_schema', 'public')
            """
        ).fetchall()
    return {row[0] for row in rows}


def _value(connection: "psycopg.Connection[tuple[object, ...]]", query: str) -> object:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]
