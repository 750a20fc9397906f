"""`pgqueue migrate --roles`: concurrently, repeatedly, by a DBA, and under any name."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgqueue.cli.app import main
from pgqueue.core.errors import AccessDenied, InvalidOption, SchemaMissing
from pgqueue.core.new_job import NewJob
from pgqueue.schema import migrate, roles
from pgqueue.schema.roles import Right
from pgqueue.store.connection.database import Database, libpq_url
from pgqueue.store.schema_name import Schema
from pgqueue.store.statement import run

if TYPE_CHECKING:
    from pgqueue.client.client import Client
    from tests.security.conftest import Logins

GOLDEN = Path(__file__).parent / "golden" / "rights.txt"
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "roles.md"
COLUMN_TYPES = ["pgqueue.job_args", "pgqueue.job_status[]", "pgqueue.jobs", "pgqueue.new_jobs"]
ODD_NAMES = ["pgqueue", 'a"b', "Mixed", "it's $$", "schema pgqueue", "pgqueue_owner"]
ODD_PREFIXES = ["{}", 'a"b{}', "It's $$ {}", "pgqueue.{} pgqueue_owner", "\\{}%s:x"]


def test_each_role_has_what_the_golden_file_says(logins: "Logins", database_url: str) -> None:
    assert GOLDEN.read_text().splitlines() == _rights(database_url, logins.prefix)


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("pattern", ODD_PREFIXES)
def test_the_rights_are_the_same_under_any_name(
    no_roles: "Logins", database_url: str, name: str, pattern: str
) -> None:
    no_roles.prefix = pattern.format(no_roles.prefix)
    migrate.upgrade(database_url, name)

    roles.apply(database_url, name, no_roles.prefix)

    assert GOLDEN.read_text().splitlines() == _rights(database_url, no_roles.prefix, name)


def test_a_second_run_changes_nothing(logins: "Logins", database_url: str) -> None:
    again = roles.apply(database_url, prefix=logins.prefix)

    assert ([], []) == (again.granted, again.revoked)


def test_a_plan_lists_missing_rights_and_changes_nothing(
    no_roles: "Logins", database_url: str
) -> None:
    planned = roles.plan(database_url, prefix=no_roles.prefix)
    planned_again = roles.plan(database_url, prefix=no_roles.prefix)

    assert planned == planned_again == roles.apply(database_url, prefix=no_roles.prefix)
    assert Right("viewer", "select", "table", "jobs") in planned.granted


def test_the_printed_sql_creates_the_rights_of_the_command(
    no_roles: "Logins", database_url: str
) -> None:
    no_roles.admin.execute(roles.sql(prefix=no_roles.prefix).encode())

    assert GOLDEN.read_text().splitlines() == _rights(database_url, no_roles.prefix)


def test_the_command_prints_the_sql_of_the_library(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["migrate", "--roles", "--sql", "--prefix", "shop", "--schema", 'a"b'])

    assert (0, roles.sql('a"b', "shop")) == (code, capsys.readouterr().out)


def test_the_command_plans_then_grants_then_finds_nothing_missing(
    no_roles: "Logins", database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["migrate", "--roles", "--prefix", no_roles.prefix, "--url", database_url]
    outputs = []
    for more in (["--plan"], [], ["--plan"]):
        assert 0 == main([*words, *more])
        outputs.append(capsys.readouterr().out)

    assert "missing producer execute function enqueue\n" in outputs[0]
    assert "given producer execute function enqueue\n" in outputs[1]
    assert "up to date\n" == outputs[2]


def test_excessive_rights_are_revoked(logins: "Logins", database_url: str) -> None:
    logins.admin.execute("grant execute on all functions in schema pgqueue to public")
    logins.admin.execute(
        sql.SQL("grant select, update (args) on pgqueue.jobs to {}").format(
            sql.Identifier(logins.name("producer"))
        )
    )

    changes = roles.apply(database_url, prefix=logins.prefix)

    assert [] == changes.granted
    assert Right("producer", "update", "columns", "jobs (args)") in changes.revoked
    assert Right("public", "execute", "function", "cancel") in changes.revoked
    assert GOLDEN.read_text().splitlines() == _rights(database_url, logins.prefix)


@pytest.mark.parametrize("role", roles.ROLES[1:])
@pytest.mark.parametrize("type_", COLUMN_TYPES)
def test_no_role_can_create_a_dependency_on_a_type_that_blocks_a_migration(
    logins: "Logins", role: str, type_: str
) -> None:
    connection = logins.connection(role)

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="for type"):
        connection.execute(f"create temp table copied (x {type_})".encode())


def test_the_pages_example_for_a_table_with_copied_rows_works_for_viewers(
    logins: "Logins", client: "Client"
) -> None:
    (example,) = re.findall(r"(create temporary table .*?)```", PAGE.read_text(), re.DOTALL)
    job = client.insert(NewJob("shop.mail"))
    connection = logins.connection("viewer")

    connection.execute(example.encode())

    kept = connection.execute("select id, status, args from seen").fetchall()
    assert [(job.id, "queued", {})] == kept


def test_a_viewer_may_name_a_domain_in_a_query(logins: "Logins", client: "Client") -> None:
    job = client.insert(NewJob("shop.mail"))

    rows = logins.connection("viewer").execute(
        "select id, args, status from pgqueue.jobs where status = 'queued'::pgqueue.job_status"
    )

    assert [(job.id, {}, "queued")] == rows.fetchall()


@pytest.mark.parametrize(
    ("type_", "description"), [("job_args", "domain job_args"), ("jobs", "row type jobs")]
)
def test_a_grant_on_a_type_is_listed_and_revoked_from_public_only(
    logins: "Logins", database_url: str, type_: str, description: str
) -> None:
    stranger = f"{logins.prefix}_login_viewer"
    logins.admin.execute(
        sql.SQL("grant usage on type pgqueue.{} to public, {}").format(
            sql.Identifier(type_), sql.Identifier(stranger)
        )
    )

    granted = _rights(database_url, logins.prefix)
    changes = roles.apply(database_url, prefix=logins.prefix)

    assert {f"public usage {description}", f"{stranger} usage {description}"} <= set(granted)
    assert ["public usage " + description] == [str(right) for right in changes.revoked]
    assert f"{stranger} usage {description}" in _rights(database_url, logins.prefix)


def test_rights_of_other_roles_stay(logins: "Logins", database_url: str) -> None:
    logins.admin.execute(
        sql.SQL("grant select on pgqueue.jobs to {}").format(
            sql.Identifier(f"{logins.prefix}_login_viewer")
        )
    )

    changes = roles.apply(database_url, prefix=logins.prefix)

    assert ([], []) == (changes.granted, changes.revoked)


def test_later_objects_are_closed_to_the_public_and_open_to_viewers(
    logins: "Logins", database_url: str
) -> None:
    logins.admin.execute(sql.SQL("set role {}").format(sql.Identifier(logins.name("owner"))))
    logins.admin.execute("create table pgqueue.later (id bigint)")
    logins.admin.execute("create sequence pgqueue.later_id")
    logins.admin.execute(
        "create function pgqueue.later() returns int language sql begin atomic select 1; end"
    )
    logins.admin.execute("create domain pgqueue.later_word as text")
    logins.admin.execute("reset role")

    rows = {right for right in _rights(database_url, logins.prefix) if " later" in right}

    assert {
        "owner owns domain later_word",
        "owner owns function later",
        "owner owns sequence later_id",
        "owner owns table later",
        "operator select table later",
        "viewer select table later",
        # PostgreSQL has no default privileges for the row type of a table.
        "public usage row type later",
    } == rows
    assert Right("public", "usage", "row type", "later") in (
        roles.apply(database_url, prefix=logins.prefix).revoked
    )


@pytest.mark.not_under("hostile", reason="tables like ours keep our domains from being dropped")
def test_a_migration_after_it_still_belongs_to_the_owner(
    logins: "Logins", database_url: str
) -> None:
    environment = {**os.environ, "PGQUEUE_URL": database_url}
    for step in (["downgrade", "base"], ["upgrade", "head"]):
        subprocess.run(
            [sys.executable, "-m", "alembic", *step],
            cwd=Path(__file__).parents[2],
            env=environment,
            check=True,
            capture_output=True,
        )

    changes = roles.apply(database_url, prefix=logins.prefix)

    assert [] == [right for right in changes.revoked if right.privilege == "owns"]
    assert GOLDEN.read_text().splitlines() == _rights(database_url, logins.prefix)


def test_a_dba_without_superuser_can_grant_all_rights(
    no_roles: "Logins", database_url: str
) -> None:
    dba = sql.Identifier(f"{no_roles.prefix}_dba")
    no_roles.admin.execute(sql.SQL("create role {} login createrole").format(dba))
    no_roles.admin.execute(
        sql.SQL("grant create on database {} to {}").format(
            sql.Identifier(no_roles.admin.info.dbname), dba
        )
    )
    url = make_conninfo(libpq_url(database_url), user=f"{no_roles.prefix}_dba")
    migrate.upgrade(url, "theirs")

    changes = roles.apply(url, "theirs", no_roles.prefix)
    again = roles.apply(url, "theirs", no_roles.prefix)

    assert Right("owner", "owns", "table", "jobs") in changes.granted
    assert ([], []) == (again.granted, again.revoked)
    assert [] == migrate.upgrade(url, "theirs")


def test_a_user_without_createrole_gets_a_message_that_names_it(logins: "Logins") -> None:
    with pytest.raises(AccessDenied, match="CREATEROLE"):
        roles.apply(logins.url("viewer"), prefix=f"{logins.prefix}x")


def test_memberships_among_our_roles_are_listed_and_revoked(
    logins: "Logins", database_url: str
) -> None:
    for whole, part in (("owner", "viewer"), ("worker", "producer")):
        logins.admin.execute(
            sql.SQL("grant {} to {}").format(
                sql.Identifier(logins.name(whole)), sql.Identifier(logins.name(part))
            )
        )

    planned = roles.plan(database_url, prefix=logins.prefix)
    changes = roles.apply(database_url, prefix=logins.prefix)

    assert [
        Right("producer", "member", "role", "worker"), Right("viewer", "member", "role", "owner"),
    ] == list(planned.revoked) == list(changes.revoked)  # fmt: skip
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        logins.connection("viewer").execute("delete from pgqueue.jobs")
    assert GOLDEN.read_text().splitlines() == _rights(database_url, logins.prefix)


def test_a_role_of_ours_that_is_a_member_of_another_is_refused(
    logins: "Logins", database_url: str
) -> None:
    logins.admin.execute(
        sql.SQL("grant pg_read_all_data to {}").format(sql.Identifier(logins.name("producer")))
    )

    with pytest.raises(InvalidOption, match="is a member of pg_read_all_data: revoke that"):
        roles.apply(database_url, prefix=logins.prefix)


@pytest.mark.parametrize(
    ("power", "message"),
    [
        ("createrole", "may create roles"),
        ("createdb", "may create databases"),
        ("login", "can log in"),
        ("bypassrls", "bypasses row security"),
        ("replication", "may replicate"),
    ],
)
def test_a_role_with_an_attribute_that_none_of_ours_has_is_refused(
    logins: "Logins", database_url: str, power: str, message: str
) -> None:
    name = sql.Identifier(logins.name("viewer"))
    logins.admin.execute(sql.SQL("alter role {} " + power).format(name))

    with pytest.raises(InvalidOption, match=f"_viewer exists already, and {message}"):
        roles.apply(database_url, prefix=logins.prefix)


def test_a_refusal_creates_no_role(no_roles: "Logins", database_url: str) -> None:
    worker = sql.Identifier(no_roles.name("worker"))
    no_roles.admin.execute(sql.SQL("create role {} superuser").format(worker))

    with pytest.raises(InvalidOption, match="is a superuser"):
        roles.apply(database_url, prefix=no_roles.prefix)

    rows = no_roles.admin.execute(
        "select rolname from pg_roles where starts_with(rolname::text, %s::text)", [no_roles.prefix]
    ).fetchall()
    assert [(no_roles.name("worker"),)] == rows


@pytest.mark.parametrize("prefix", ["", "pg_queue", "x" * 55, "ü" * 28, "a\0b"])
def test_a_prefix_that_no_role_can_have_is_refused(prefix: str) -> None:
    with pytest.raises(InvalidOption, match="prefix"):
        roles.sql(prefix=prefix)


def test_roles_need_the_tables(database_url: str, prefix: str) -> None:
    with pytest.raises(SchemaMissing, match="pgqueue migrate"):
        roles.apply(database_url, "elsewhere", prefix)


def test_concurrent_runs_do_not_disturb_each_other(no_roles: "Logins", database_url: str) -> None:
    words = ["migrate", "--roles", "--prefix", no_roles.prefix, "--url", database_url]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "pgqueue", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    outputs = [process.communicate(timeout=60) for process in running]

    assert [0, 0, 0] == [process.returncode for process in running], outputs
    assert ["up to date\n"] * 2 == sorted(out for out, _ in outputs)[1:]


def _rights(url: str, prefix: str, schema: str = "pgqueue") -> list[str]:
    link = Database(url, schema).open()
    try:
        return [str(right) for right in run(link, roles.rights(prefix, Schema(schema)))]
    finally:
        link.close()
