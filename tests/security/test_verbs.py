"""Each verb of the library under each role: it works, or its refusal names the remedy."""

import asyncio
import contextlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import claiming
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import create_engine
from statement_files import STATEMENT_FILES

from pgqueue.client.client import Client
from pgqueue.core.errors import AccessDenied
from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.core.new_job import NewJob
from pgqueue.store import server, settlements, tasks
from pgqueue.store.connection.database import Database
from pgqueue.store.schema_name import Schema
from pgqueue.store.settlements import Settlement
from pgqueue.store.statement import run

if TYPE_CHECKING:
    from tests.security.conftest import Logins

GOLDEN = Path(__file__).parent / "golden" / "statements.txt"
USERS = ("producer", "worker", "viewer", "operator")

# PostgreSQL refuses a write to a view of several tables before it checks the rights.
_REFUSED = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.ObjectNotInPrerequisiteState,
    psycopg.errors.WrongObjectType,
)

NEW = NewJob("shop.mail", '{"card": "4111"}')

Verb = Callable[["Logins", str, int], object]


def _on_own_link(logins: "Logins", role: str, statement: Any) -> object:
    link = Database(logins.url(role)).open()
    try:
        return run(link, statement)
    finally:
        link.close()


@pytest.mark.own_session
def test_a_worker_sees_the_number_of_all_connections(logins: "Logins") -> None:
    with contextlib.ExitStack() as open_:
        for _ in range(5):
            open_.enter_context(psycopg.connect(logins.url("viewer")))

        # The server counts a session when it ends its first transaction.
        for _ in range(200):
            _, used = _on_own_link(logins, "worker", server.connections())
            if used > 5:
                break

    assert used > 5


def _copy(logins: "Logins", role: str, job_id: int) -> object:
    return logins.client(role).insert_many([NEW, NewJob("shop.mail", run_after=60.0)])


def _on_sqlalchemy(logins: "Logins", role: str, job_id: int) -> object:
    engine = create_engine("postgresql+psycopg://", creator=lambda: logins.connection(role))
    with engine.connect() as connection:
        Client(logins.url(role)).insert(NEW, connection=connection)
        connection.commit()
    engine.dispose()
    return None


def _in_asyncio(logins: "Logins", role: str, job_id: int) -> object:
    async def work() -> None:
        async with await psycopg.AsyncConnection.connect(logins.url(role)) as connection:
            client = logins.client(role)
            await client.ainsert(NEW, connection=connection)
            await client.ainsert_many([NEW], connection=connection)
            await client.aenqueue("shop.mail", connection=connection)

    return asyncio.run(work())


def _settle(logins: "Logins", role: str, job_id: int) -> object:
    settlement = Settlement(job_id, 1, 1, Outcome.SUCCEEDED, waited_seconds=0.0)
    return _on_own_link(logins, role, settlements.settle([settlement]))


def _claim(logins: "Logins", role: str, job_id: int) -> object:
    params: dict[str, Any] = {"queues": ["default"], "unknown_tasks": []}
    statement = claiming.claim(worker_id=1, executor="greenlet", jobs_max=1, slots_free=1, **params)
    return _on_own_link(logins, role, statement)


def _plain(text: str) -> Verb:
    return lambda logins, role, job_id: (
        logins.connection(role).execute(text.encode(), {"id": job_id}).statusmessage
    )


VERBS: dict[str, tuple[set[str], Verb]] = {
    "enqueue": ({"producer", "worker"}, lambda logins, role, _: logins.client(role).insert(NEW)),
    "enqueue on a connection of SQLAlchemy's": ({"producer", "worker"}, _on_sqlalchemy),
    "enqueue on a connection of asyncio's": ({"producer", "worker"}, _in_asyncio),
    "enqueue many": ({"producer", "worker"}, _copy),
    "enqueue by name": (
        {"producer", "worker"},
        lambda logins, role, _: logins.client(role).enqueue("shop.mail", {"n": 1}, priority=3),
    ),
    "enqueue by SQL": ({"producer", "worker"}, _plain("select pgqueue.enqueue('shop.mail')")),
    "read a job": (
        {"worker", "viewer", "operator"},
        lambda logins, role, job_id: logins.client(role).job(job_id),
    ),
    "list jobs": (
        {"worker", "viewer", "operator"},
        lambda logins, role, _: logins.client(role).jobs(),
    ),
    "count jobs": (
        {"worker", "viewer", "operator"},
        lambda logins, role, _: logins.client(role).count(task="shop.*"),
    ),
    "read attempts": (
        {"viewer", "operator"},
        lambda logins, role, job_id: logins.client(role).attempts(job_id),
    ),
    "read logs": (
        {"viewer", "operator"},
        lambda logins, role, job_id: logins.client(role).logs(job_id),
    ),
    "list tasks": (
        {"worker", "viewer", "operator"},
        lambda logins, role, _: logins.client(role).tasks(),
    ),
    "list unknown tasks": (
        {"viewer", "operator"},
        lambda logins, role, _: logins.client(role).unknown_tasks(),
    ),
    "list workers": (
        {"worker", "viewer", "operator"},
        lambda logins, role, _: logins.client(role).workers.list(with_stopped=True),
    ),
    "cancel": ({"operator"}, lambda logins, role, job_id: logins.client(role).cancel(job_id)),
    "cancel by filter": (
        {"operator"},
        lambda logins, role, _: logins.client(role).cancel(task="shop.*"),
    ),
    "retry": ({"operator"}, lambda logins, role, job_id: logins.client(role).retry(job_id)),
    "claim": ({"worker"}, _claim),
    "settle": ({"worker"}, _settle),
    "record a task": (
        {"worker"},
        lambda logins, role, _: _on_own_link(logins, role, tasks.record_tasks([])),
    ),
    "read the views": (
        {"viewer", "operator"},
        _plain(
            "select from pgqueue.queue_stats, pgqueue.task_stats, pgqueue.running_jobs,"
            " pgqueue.unknown_tasks,"
            " pgqueue.failure_groups"
        ),
    ),
}


@pytest.mark.parametrize("role", USERS)
@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_works_for_its_roles_only(
    logins: "Logins", client: Client, verb: str, role: str
) -> None:
    job_id = client.insert(NEW).id
    allowed, act = VERBS[verb]

    if role in allowed:
        act(logins, role, job_id)
    else:
        before = client.job(job_id)
        with pytest.raises((AccessDenied, psycopg.errors.InsufficientPrivilege)) as denied:
            act(logins, role, job_id)
        assert "permission denied" in str(denied.value)
        assert (before, 1) == (client.job(job_id), client.count())


def test_a_denial_names_the_missing_right_and_the_command_that_grants_it(logins: "Logins") -> None:
    with pytest.raises(AccessDenied) as denied:
        logins.client("producer").cancel(1)

    assert "permission denied for function cancel" == denied.value.reason
    assert "pgqueue migrate --roles" in str(denied.value)


def test_a_producer_gets_the_complete_row_of_its_new_job(logins: "Logins", client: Client) -> None:
    producer = logins.client("producer")

    inserted = [producer.insert(NEW), producer.enqueue("shop.mail", {"n": 1}, tags=["a"])]

    assert inserted == [client.job(job.id) for job in inserted]


def test_a_producer_enqueues_in_its_own_transaction(logins: "Logins", client: Client) -> None:
    producer = logins.client("producer")
    with psycopg.connect(logins.url("producer")) as connection:
        producer.insert(NEW, connection=connection)
        producer.insert_many([NEW], connection=connection)
        producer.enqueue("shop.mail", connection=connection)
        seen_by_others = client.count()
        connection.rollback()

    assert (0, 0) == (seen_by_others, client.count())


def test_a_producer_sees_no_job(logins: "Logins", client: Client) -> None:
    producer = logins.client("producer")
    producer.insert(NEW)
    connection = logins.connection("producer")

    assert [] == connection.execute("select id, args from pgqueue.new_jobs").fetchall()
    for text in (
        "select args from pgqueue.jobs",
        "select count(*) from pgqueue.jobs",
        "insert into pgqueue.jobs (task) values ('t') returning id",
        "update pgqueue.new_jobs set args = '{}'",
        "delete from pgqueue.new_jobs",
        "insert into pgqueue.new_jobs (task) values ('t') on conflict (id) do update set id = 1",
        "select nextval('pgqueue.requests_id_seq'::regclass)",
        "select setval('pgqueue.jobs_position'::regclass, 1::bigint)",
        "truncate pgqueue.jobs",
        "create table pgqueue.mine (id bigint)",
        "copy pgqueue.jobs to stdout",
        "select options from pgqueue.tasks",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(text.encode())


def test_a_condition_of_a_producer_is_never_evaluated_on_a_job(
    logins: "Logins", client: Client
) -> None:
    client.insert(NEW)
    connection = logins.connection("producer")
    connection.execute(
        "create function pg_temp.reveal(args jsonb) returns boolean language plpgsql cost 0.0001"
        " as $$ begin raise exception 'seen %', args; end $$"
    )

    rows = connection.execute(
        "select id from pgqueue.new_jobs where pg_temp.reveal(args)"
    ).fetchall()

    assert [] == rows


@pytest.mark.parametrize("column", ["id", "attempt", "worker_id", "position", "kept_until"])
def test_a_producer_cannot_write_the_columns_of_workers(logins: "Logins", column: str) -> None:
    connection = logins.connection("producer")

    for table in ("jobs", "new_jobs"):
        text = f"insert into pgqueue.{table} (task, {column}) values ('t', null)"
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedColumn)):
            connection.execute(text.encode())


@pytest.mark.parametrize("table", ["jobs", "new_jobs"])
@pytest.mark.parametrize("status", JobStatus)
def test_a_producer_can_only_insert_waiting_jobs(
    logins: "Logins", client: Client, status: JobStatus, table: str
) -> None:
    connection = logins.connection("producer")
    text = "copy pgqueue.jobs (task, status) from stdin"

    def insert() -> None:
        if table == "new_jobs":
            connection.execute(
                "insert into pgqueue.new_jobs (task, status) values ('t', %s)", [status]
            )
            return
        with connection.cursor() as cursor, cursor.copy(text.encode()) as copy:
            copy.write_row(("t", status.value))

    if status in (JobStatus.SCHEDULED, JobStatus.QUEUED):
        insert()
    else:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match=f"that is {status.value}"):
            insert()
    assert int(status in (JobStatus.SCHEDULED, JobStatus.QUEUED)) == client.count()


def test_no_role_inserts_a_blocked_job(logins: "Logins", client: Client) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="that is blocked"):
        logins.admin.execute("insert into pgqueue.jobs (task, status) values ('t', 'blocked')")

    assert 0 == client.count()


@pytest.mark.parametrize("column", ["id", "task", "args", "queue", "max_attempts", "created_at"])
def test_a_worker_cannot_change_the_request_of_a_job(logins: "Logins", column: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        logins.connection("worker").execute(
            sql.SQL("update pgqueue.jobs set {column} = {column}").format(
                column=sql.Identifier(column)
            )
        )


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_a_reading_role_writes_nothing(logins: "Logins", role: str) -> None:
    connection = logins.connection(role)
    names = [
        name
        for (name,) in connection.execute(
            "select relname from pg_class where relnamespace = 'pgqueue'::regnamespace"
            " and relkind in ('r', 'v')"
        ).fetchall()
    ]

    for name in names:
        table = sql.Identifier("pgqueue", name)
        connection.execute(sql.SQL("select from {} limit 1").format(table))
        for text in ("delete from {}", "insert into {} default values", "truncate {}"):
            with pytest.raises(_REFUSED):
                connection.execute(sql.SQL(text).format(table))
    assert "jobs" in names


def test_no_role_can_log_in_or_is_a_member_of_another(logins: "Logins") -> None:
    rows = logins.admin.execute(
        """
        select role.rolname, role.rolcanlogin, role.rolsuper, role.rolbypassrls
        from pg_roles as role
        where role.rolname = any(%(names)s)
          and (
            role.rolcanlogin or role.rolsuper or role.rolbypassrls or role.rolcreaterole
            or exists (select from pg_auth_members as membership where membership.member = role.oid)
          )
        """,
        {"names": [logins.name(role) for role in ("owner", *USERS)]},
    ).fetchall()

    assert [] == rows


def test_each_statement_is_allowed_to_the_roles_of_the_golden_file(logins: "Logins") -> None:
    connections = {role: logins.connection(role) for role in USERS}
    for connection in connections.values():
        connection.execute("set search_path = pg_catalog, pg_temp")  # the path of our own sessions

    lines = []
    for file in STATEMENT_FILES:
        allowed = [role for role in USERS if _may(connections[role], file)]
        lines.append(f"{file}: {', '.join(allowed) or 'nobody'}")

    assert GOLDEN.read_text().splitlines() == lines


def _may(connection: "psycopg.Connection[Any]", file: str) -> bool:
    """Whether a statement is allowed; it runs with null parameters, so other errors may occur."""
    text = Schema().render(file)
    try:
        with connection.transaction(force_rollback=True), connection.cursor() as cursor:
            if file == "copy_jobs":
                with cursor.copy(text.encode()):
                    pass
            else:
                cursor.execute(re.sub(r"%\(\w+\)s", "null", text).encode())
    except psycopg.errors.InsufficientPrivilege:
        return False
    except psycopg.DatabaseError:
        pass
    return True
