"""`pgqueue migrate --roles`: made at once, again and again, by a DBA, under any name."""

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
    from tests.security.conftest import Crowd

GOLDEN = Path(__file__).parent / "golden" / "rights.txt"
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "roles.md"
COLUMN_TYPES = ["pgqueue.job_args", "pgqueue.job_status[]", "pgqueue.jobs", "pgqueue.new_jobs"]
ODD_NAMES = ["pgqueue", 'a"b', "Mixed", "it's $$", "schema pgqueue", "pgqueue_owner"]
ODD_PREFIXES = ["{}", 'a"b{}', "It's $$ {}", "pgqueue.{} pgqueue_owner", "\\{}%s:x"]


def test_each_role_has_what_the_golden_file_says(crowd: "Crowd", database_url: str) -> None:
    assert GOLDEN.read_text().splitlines() == _rights(database_url, crowd.prefix)


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("pattern", ODD_PREFIXES)
def test_the_rights_are_the_same_under_any_name(
    nobody: "Crowd", database_url: str, name: str, pattern: str
) -> None:
    nobody.prefix = pattern.format(nobody.prefix)
    migrate.upgrade(database_url, name)

    roles.apply(database_url, name, nobody.prefix)

    assert GOLDEN.read_text().splitlines() == _rights(database_url, nobody.prefix, name)


def test_a_second_time_changes_nothing(crowd: "Crowd", database_url: str) -> None:
    again = roles.apply(database_url, prefix=crowd.prefix)

    assert ([], []) == (again.given, again.taken)


def test_a_plan_tells_what_is_missing_and_changes_nothing(
    nobody: "Crowd", database_url: str
) -> None:
    planned = roles.plan(database_url, prefix=nobody.prefix)
    planned_again = roles.plan(database_url, prefix=nobody.prefix)

    assert planned == planned_again == roles.apply(database_url, prefix=nobody.prefix)
    assert Right("viewer", "select", "table", "jobs") in planned.given


def test_the_printed_sql_does_the_same(nobody: "Crowd", database_url: str) -> None:
    nobody.admin.execute(roles.sql(prefix=nobody.prefix).encode())

    assert GOLDEN.read_text().splitlines() == _rights(database_url, nobody.prefix)


def test_the_sql_is_the_answer_to_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["migrate", "--roles", "--sql", "--prefix", "shop", "--schema", 'a"b'])

    assert (0, roles.sql('a"b', "shop")) == (code, capsys.readouterr().out)


def test_the_command_plans_then_makes_then_finds_all_done(
    nobody: "Crowd", database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["migrate", "--roles", "--prefix", nobody.prefix, "--url", database_url]
    said = []
    for more in (["--plan"], [], ["--plan"]):
        assert 0 == main([*words, *more])
        said.append(capsys.readouterr().out)

    assert "missing producer execute function enqueue\n" in said[0]
    assert "given producer execute function enqueue\n" in said[1]
    assert "up to date\n" == said[2]


def test_what_was_granted_beyond_is_taken_back(crowd: "Crowd", database_url: str) -> None:
    crowd.admin.execute("grant execute on all functions in schema pgqueue to public")
    crowd.admin.execute(
        sql.SQL("grant select, update (args) on pgqueue.jobs to {}").format(
            sql.Identifier(crowd.name("producer"))
        )
    )

    changes = roles.apply(database_url, prefix=crowd.prefix)

    assert [] == changes.given
    assert Right("producer", "update", "columns", "jobs (args)") in changes.taken
    assert Right("public", "execute", "function", "cancel") in changes.taken
    assert GOLDEN.read_text().splitlines() == _rights(database_url, crowd.prefix)


@pytest.mark.parametrize("role", roles.ROLES[1:])
@pytest.mark.parametrize("type_", COLUMN_TYPES)
def test_no_session_can_hold_a_type_of_ours_against_a_migration(
    crowd: "Crowd", role: str, type_: str
) -> None:
    connection = crowd.connection(role)

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="for type"):
        connection.execute(f"create temp table held (x {type_})".encode())


def test_who_keeps_rows_casts_their_columns_as_the_page_says(
    crowd: "Crowd", client: "Client"
) -> None:
    (example,) = re.findall(r"(create temporary table .*?)```", PAGE.read_text(), re.DOTALL)
    job = client.insert(NewJob("shop.mail"))
    connection = crowd.connection("viewer")

    connection.execute(example.encode())

    kept = connection.execute("select id, status, args from seen").fetchall()
    assert [(job.id, "queued", {})] == kept


def test_who_only_looks_may_still_name_a_domain(crowd: "Crowd", client: "Client") -> None:
    job = client.insert(NewJob("shop.mail"))

    found = crowd.connection("viewer").execute(
        "select id, args, status from pgqueue.jobs where status = 'queued'::pgqueue.job_status"
    )

    assert [(job.id, {}, "queued")] == found.fetchall()


@pytest.mark.parametrize(
    ("type_", "told"), [("job_args", "domain job_args"), ("jobs", "row type jobs")]
)
def test_a_grant_on_a_type_is_told_and_taken_back_from_everybody_alone(
    crowd: "Crowd", database_url: str, type_: str, told: str
) -> None:
    stranger = f"{crowd.prefix}_login_viewer"
    crowd.admin.execute(
        sql.SQL("grant usage on type pgqueue.{} to public, {}").format(
            sql.Identifier(type_), sql.Identifier(stranger)
        )
    )

    granted = _rights(database_url, crowd.prefix)
    changes = roles.apply(database_url, prefix=crowd.prefix)

    assert {f"public usage {told}", f"{stranger} usage {told}"} <= set(granted)
    assert ["public usage " + told] == [str(each) for each in changes.taken]
    assert f"{stranger} usage {told}" in _rights(database_url, crowd.prefix)


def test_what_others_were_granted_stays(crowd: "Crowd", database_url: str) -> None:
    crowd.admin.execute(
        sql.SQL("grant select on pgqueue.jobs to {}").format(
            sql.Identifier(f"{crowd.prefix}_login_viewer")
        )
    )

    changes = roles.apply(database_url, prefix=crowd.prefix)

    assert ([], []) == (changes.given, changes.taken)


def test_what_is_created_later_is_closed_to_the_public_and_open_to_viewers(
    crowd: "Crowd", database_url: str
) -> None:
    crowd.admin.execute(sql.SQL("set role {}").format(sql.Identifier(crowd.name("owner"))))
    crowd.admin.execute("create table pgqueue.later (id bigint)")
    crowd.admin.execute("create sequence pgqueue.later_id")
    crowd.admin.execute(
        "create function pgqueue.later() returns int language sql begin atomic select 1; end"
    )
    crowd.admin.execute("create domain pgqueue.later_word as text")
    crowd.admin.execute("reset role")

    found = {each for each in _rights(database_url, crowd.prefix) if " later" in each}

    assert {
        "owner owns domain later_word",
        "owner owns function later",
        "owner owns sequence later_id",
        "owner owns table later",
        "operator select table later",
        "viewer select table later",
        # No default of PostgreSQL's reaches the type of a table's rows.
        "public usage row type later",
    } == found
    assert Right("public", "usage", "row type", "later") in (
        roles.apply(database_url, prefix=crowd.prefix).taken
    )


@pytest.mark.not_under("hostile", reason="tables like ours keep our domains from being dropped")
def test_a_migration_after_it_still_belongs_to_the_owner(crowd: "Crowd", database_url: str) -> None:
    environment = {**os.environ, "PGQUEUE_URL": database_url}
    for step in (["downgrade", "base"], ["upgrade", "head"]):
        subprocess.run(
            [sys.executable, "-m", "alembic", *step],
            cwd=Path(__file__).parents[2],
            env=environment,
            check=True,
            capture_output=True,
        )

    changes = roles.apply(database_url, prefix=crowd.prefix)

    assert [] == [each for each in changes.taken if each.privilege == "owns"]
    assert GOLDEN.read_text().splitlines() == _rights(database_url, crowd.prefix)


def test_a_dba_without_superuser_can_do_all_of_it(nobody: "Crowd", database_url: str) -> None:
    dba = sql.Identifier(f"{nobody.prefix}_dba")
    nobody.admin.execute(sql.SQL("create role {} login createrole").format(dba))
    nobody.admin.execute(
        sql.SQL("grant create on database {} to {}").format(
            sql.Identifier(nobody.admin.info.dbname), dba
        )
    )
    url = make_conninfo(libpq_url(database_url), user=f"{nobody.prefix}_dba")
    migrate.upgrade(url, "theirs")

    changes = roles.apply(url, "theirs", nobody.prefix)
    again = roles.apply(url, "theirs", nobody.prefix)

    assert Right("owner", "owns", "table", "jobs") in changes.given
    assert ([], []) == (again.given, again.taken)
    assert [] == migrate.upgrade(url, "theirs")


def test_who_may_not_make_roles_is_told_who_may(crowd: "Crowd") -> None:
    with pytest.raises(AccessDenied, match="CREATEROLE"):
        roles.apply(crowd.url("viewer"), prefix=f"{crowd.prefix}x")


def test_memberships_among_our_roles_are_told_and_taken_back(
    crowd: "Crowd", database_url: str
) -> None:
    for whole, part in (("owner", "viewer"), ("worker", "producer")):
        crowd.admin.execute(
            sql.SQL("grant {} to {}").format(
                sql.Identifier(crowd.name(whole)), sql.Identifier(crowd.name(part))
            )
        )

    planned = roles.plan(database_url, prefix=crowd.prefix)
    changes = roles.apply(database_url, prefix=crowd.prefix)

    assert [
        Right("producer", "member", "role", "worker"), Right("viewer", "member", "role", "owner"),
    ] == list(planned.taken) == list(changes.taken)  # fmt: skip
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        crowd.connection("viewer").execute("delete from pgqueue.jobs")
    assert GOLDEN.read_text().splitlines() == _rights(database_url, crowd.prefix)


def test_a_role_of_ours_that_is_a_member_of_another_is_refused(
    crowd: "Crowd", database_url: str
) -> None:
    crowd.admin.execute(
        sql.SQL("grant pg_read_all_data to {}").format(sql.Identifier(crowd.name("producer")))
    )

    with pytest.raises(InvalidOption, match="is a member of pg_read_all_data: revoke that"):
        roles.apply(database_url, prefix=crowd.prefix)


@pytest.mark.parametrize(
    ("power", "told"),
    [
        ("createrole", "may create roles"),
        ("createdb", "may create databases"),
        ("login", "can log in"),
        ("bypassrls", "bypasses row security"),
        ("replication", "may replicate"),
    ],
)
def test_a_role_of_ours_that_may_do_more_than_any_of_ours_is_refused(
    crowd: "Crowd", database_url: str, power: str, told: str
) -> None:
    name = sql.Identifier(crowd.name("viewer"))
    crowd.admin.execute(sql.SQL("alter role {} " + power).format(name))

    with pytest.raises(InvalidOption, match=f"_viewer exists already, and {told}"):
        roles.apply(database_url, prefix=crowd.prefix)


def test_a_refusal_leaves_nothing_behind(nobody: "Crowd", database_url: str) -> None:
    taken = sql.Identifier(nobody.name("worker"))
    nobody.admin.execute(sql.SQL("create role {} superuser").format(taken))

    with pytest.raises(InvalidOption, match="is a superuser"):
        roles.apply(database_url, prefix=nobody.prefix)

    found = nobody.admin.execute(
        "select rolname from pg_roles where starts_with(rolname::text, %s::text)", [nobody.prefix]
    ).fetchall()
    assert [(nobody.name("worker"),)] == found


@pytest.mark.parametrize("prefix", ["", "pg_queue", "x" * 55, "ü" * 28, "a\0b"])
def test_a_prefix_that_no_role_can_have_is_refused(prefix: str) -> None:
    with pytest.raises(InvalidOption, match="prefix"):
        roles.sql(prefix=prefix)


def test_roles_wait_for_the_tables(database_url: str, prefix: str) -> None:
    with pytest.raises(SchemaMissing, match="pgqueue migrate"):
        roles.apply(database_url, "elsewhere", prefix)


def test_two_at_once_do_not_disturb_each_other(nobody: "Crowd", database_url: str) -> None:
    words = ["migrate", "--roles", "--prefix", nobody.prefix, "--url", database_url]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "pgqueue", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    said = [each.communicate(timeout=60) for each in running]

    assert [0, 0, 0] == [each.returncode for each in running], said
    assert ["up to date\n"] * 2 == sorted(out for out, _ in said)[1:]


def _rights(url: str, prefix: str, schema: str = "pgqueue") -> list[str]:
    link = Database(url, schema).open()
    try:
        return [str(each) for each in run(link, roles.rights(prefix, Schema(schema)))]
    finally:
        link.close()
