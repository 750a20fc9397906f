"""No foreign table, function or operator replaces one of ours."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import hostile
import psycopg
import pytest
from hostile import TABLES
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgqueue.client.client import Client
from pgqueue.core.lifecycle import JobStatus
from pgqueue.schema import migrate
from pgqueue.store.connection.database import Database, libpq_url
from pgqueue.store.connection.link import Link
from pgqueue.store.schema_name import Schema

if TYPE_CHECKING:
    from tests.security.conftest import Logins

# These statements run in a caller's transaction, with its path; all others run in our sessions.
ON_THE_CALLERS = (
    "allow_idle_transaction",
    "resolve_due_times",
    "enqueue",
    "enqueue_by_name",
    "lock_attempt",
    "notify",
    "settle",
)
CALLS = {
    "enqueue": ("producer", "select pgqueue.enqueue('t', '{\"card\": 4111}', tags => '{a}')"),
    "enqueue_named": (
        "producer",
        "select id from pgqueue.enqueue_named('t', '{\"card\": 4111}', null, '{\"priority\": 3}')",
    ),
    "cancel": ("operator", "select pgqueue.cancel(%(id)s)"),
    "retry": ("operator", "select pgqueue.retry(%(id)s)"),
}


FreshDatabase = Callable[..., AbstractContextManager[str]]


@pytest.fixture(scope="module")
def hostile_template(fresh_database: FreshDatabase, server_url: str) -> Iterator[str]:
    """The name of a database to copy: with the hostile schema, which takes a second to create."""
    with fresh_database(server_url) as url:
        with psycopg.connect(libpq_url(url), autocommit=True) as connection:
            hostile.overload(connection)
            hostile.shadow(connection)
        yield str(conninfo_to_dict(libpq_url(url))["dbname"])


@pytest.fixture
def database_url(
    fresh_database: FreshDatabase, server_url: str, hostile_template: str
) -> Iterator[str]:
    """A fresh, migrated database with the hostile schema, which is in no search path."""
    with fresh_database(server_url, hostile_template) as url:
        yield url


@pytest.fixture(name="hostile")
def hostile_connection(database_url: str) -> Iterator["psycopg.Connection[Any]"]:
    """A connection of the owner, whose path begins with the hostile schema."""
    with psycopg.connect(libpq_url(database_url), autocommit=True) as connection:
        connection.execute("set search_path = evil, public")
        yield connection


def test_every_function_has_a_fixed_path_and_few_run_as_their_owner(logins: "Logins") -> None:
    rows = logins.admin.execute(
        """
        select proname, proconfig, prosecdef
        from pg_proc
        where pronamespace = 'pgqueue'::regnamespace
        """
    ).fetchall()

    assert {("search_path=pg_catalog, pg_temp",)} == {tuple(config) for _, config, _ in rows}
    assert {"cancel", "enqueue_named", "retry", "notify", "wake_at_commit"} == {
        name for name, _, is_definer in rows if is_definer
    }
    parts = {"refuse_status", "checked_options", "notify", "wake_at_commit"}
    assert {*CALLS, *parts} == {name for name, _, _ in rows}


def test_every_view_except_those_of_producers_uses_the_rights_of_its_reader(
    logins: "Logins",
) -> None:
    rows = logins.admin.execute(
        """
        select relname
        from pg_class
        where relnamespace = 'pgqueue'::regnamespace
          and relkind = 'v'
          and not coalesce('security_invoker=true' = any(reloptions), false)
        """
    ).fetchall()

    assert [("listening_queues",), ("new_jobs",)] == sorted(rows)


@pytest.mark.parametrize("name", CALLS)
def test_a_temporary_table_does_not_replace_ours(
    logins: "Logins", client: Client, name: str
) -> None:
    job_id = client.enqueue("t", run_after=60.0).id
    role, call = CALLS[name]
    connection = logins.connection(role)
    for table in TABLES:
        connection.execute(
            f"create temporary table {table} (id bigint, task text, args jsonb)".encode()
        )
        connection.execute(f"grant all on pg_temp.{table} to public".encode())
    connection.execute("set search_path = pg_temp, pgqueue, pg_catalog")

    connection.execute(call.encode(), {"id": job_id})

    assert [0] * len(TABLES) == [
        connection.execute(f"select count(*) from pg_temp.{table}".encode()).fetchall()[0][0]
        for table in TABLES
    ]
    _assert_done(client, name, job_id)


@pytest.mark.parametrize("path", ["evil, public", "evil, pg_catalog", "evil, pg_temp", ""])
@pytest.mark.parametrize("name", CALLS)
def test_a_function_does_its_own_work_under_a_hostile_path(
    hostile: "psycopg.Connection[Any]", logins: "Logins", client: Client, name: str, path: str
) -> None:
    job_id = client.enqueue("t", run_after=60.0).id
    role, call = CALLS[name]
    connection = logins.connection(role)
    connection.execute("select set_config('search_path', %s, false)", [path])

    connection.execute(call.encode(), {"id": job_id})

    _assert_done(client, name, job_id)


@pytest.mark.parametrize("file", ON_THE_CALLERS)
def test_a_statement_on_a_callers_connection_uses_no_foreign_object(
    hostile: "psycopg.Connection[Any]", file: str
) -> None:
    text = re.sub(r"%\(\w+\)s", "null", Schema().render(file))

    # PostgreSQL binds a body at its creation, and records the objects in the catalog.
    hostile.execute(
        f"create function public.probe() returns void begin atomic {text}; end".encode()
    )

    assert [] == _depending_on_evil(hostile, "probe")


@pytest.mark.parametrize("where", ["role", "database", "url"])
def test_our_own_sessions_search_only_the_catalog(
    hostile: "psycopg.Connection[Any]", logins: "Logins", database_url: str, where: str
) -> None:
    url = logins.url("worker")
    if where == "url":
        url = make_conninfo(url, options="-c search_path=evil,public")
    else:
        name = hostile.info.dbname if where == "database" else f"{logins.prefix}_login_worker"
        hostile.execute(
            sql.SQL("alter {} {} set search_path = evil, public").format(
                sql.SQL(where), sql.Identifier(name)
            )
        )

    link = Database(url).open()

    path = link.raw.execute("show search_path").fetchall()
    link.close()
    assert [("pg_catalog, pg_temp",)] == path


def test_a_pooled_session_searches_only_the_catalog_and_keeps_its_own_path(
    hostile: "psycopg.Connection[Any]",
) -> None:
    link = Link(hostile, Schema(), is_pooled=True)

    assert [("pg_catalog, pg_temp",)] == link.fetch("select current_setting('search_path')", {})
    assert [("evil, public",)] == hostile.execute("show search_path").fetchall()


def test_the_hostile_schema_catches_an_unqualified_call(
    hostile: "psycopg.Connection[Any]",
) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="hijacked"):
        hostile.execute("select power(2, 3)")


def test_a_migration_ignores_the_path_of_its_session(
    hostile: "psycopg.Connection[Any]", database_url: str
) -> None:
    url = make_conninfo(libpq_url(database_url), options="-c search_path=evil,public")

    migrate.upgrade(url, "later")

    assert [] == _depending_on_evil(hostile, "later.")


def _depending_on_evil(connection: "psycopg.Connection[Any]", name: str) -> list[str]:
    """The dependencies of objects with *name* in their name on the hostile schema."""
    connection.execute("set search_path = pg_catalog")  # descriptions then name each schema
    rows = connection.execute(
        """
        select
          pg_describe_object(classid, objid, objsubid)
            || ' depends on ' || pg_describe_object(refclassid, refobjid, refobjsubid)
        from pg_depend
        where pg_describe_object(refclassid, refobjid, refobjsubid) like '%evil.%'
          and pg_describe_object(classid, objid, objsubid) not like '%evil.%'
        order by 1
        """
    ).fetchall()
    return [text for (text,) in rows if name in text]


def _assert_done(client: Client, name: str, job_id: int) -> None:
    if name.startswith("enqueue"):
        newest = client.jobs(limit=1)[0]
        assert ("t", {"card": 4111}) == (newest.task, newest.args)
    else:
        expected = {"cancel": JobStatus.CANCELLED, "retry": JobStatus.QUEUED}[name]
        assert expected == client.job(job_id).status
