"""A database that was never migrated: every verb raises `SchemaMissing`."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from applications import KINDS, Application, perform

from pgqueue.client.client import Client
from pgqueue.core.errors import SchemaMissing, SchemaTooOld
from pgqueue.core.new_job import NewJob
from pgqueue.store import schema_version
from pgqueue.store.connection import presence
from pgqueue.store.connection.database import libpq_url
from pgqueue.store.connection.link import Link

NEW = NewJob("t")

VERBS: dict[str, Callable[[Client], Any]] = {
    "insert": lambda client: client.insert(NEW),
    "insert_many": lambda client: client.insert_many([NEW]),
    "enqueue": lambda client: client.enqueue("t"),
    "job": lambda client: client.job(1),
    "jobs": lambda client: client.jobs(),
    "count": lambda client: client.count(),
    "wait": lambda client: client.wait(1),
    "cancel": lambda client: client.cancel(1),
    "retry": lambda client: client.retry(status="failed"),
    "attempts": lambda client: client.attempts(1),
    "logs": lambda client: client.logs(1),
    "tasks": lambda client: client.tasks(),
    "unknown_tasks": lambda client: client.unknown_tasks(),
    "workers": lambda client: client.workers.list(),
    "ainsert": lambda client: client.ainsert(NEW),
    "ainsert_many": lambda client: client.ainsert_many([NEW]),
    "aenqueue": lambda client: client.aenqueue("t"),
    "await_job": lambda client: client.await_job(1),
    "acancel": lambda client: client.acancel(1),
    "aworkers": lambda client: client.workers.alist(),
}


@pytest.fixture
def missing(link: Link) -> None:
    """Take the schema away."""
    link.raw.execute("drop schema pgqueue cascade")


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def application(request: pytest.FixtureRequest) -> Application:
    """An application of each kind, not yet connected."""
    kind: type[Application] = request.param
    return kind()


@pytest.fixture(autouse=True)
def nothing_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start without a database that is known to have the schema."""
    monkeypatch.setattr(presence, "_FOUND", set())


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_says_that_the_schema_is_missing(
    missing: None, client: Client, verb: str
) -> None:
    with pytest.raises(SchemaMissing, match=r"schema 'pgqueue'.*Run `pgqueue migrate`"):
        answer = VERBS[verb](client)
        if inspect.isawaitable(answer):
            asyncio.run(awaited(answer))


async def awaited(answer: Any) -> Any:
    return await answer


@pytest.mark.parametrize("schema", ['a"b', "it's", "other"])
def test_a_schema_of_another_name_is_missing_too(database_url: str, schema: str) -> None:
    with Client(database_url, schema=schema) as client:
        with pytest.raises(SchemaMissing):
            client.insert(NEW)
        with psycopg.connect(libpq_url(database_url)) as connection:
            with pytest.raises(SchemaMissing):
                client.insert(NEW, connection=connection)
            connection.execute("select 1")


@pytest.mark.parametrize("verb", ["insert", "insert_many", "enqueue"])
def test_the_callers_transaction_stays_usable(
    link: Link, client: Client, database_url: str, application: Application, verb: str
) -> None:
    link.raw.execute("create table public.orders (id bigserial)")
    link.raw.execute("drop schema pgqueue cascade")

    async def work() -> None:
        await application.write()
        with pytest.raises(SchemaMissing):
            await insert(client, application, verb)
        await application.write()
        await application.commit()

    perform(application, database_url, work)

    assert [(2,)] == link.fetch("select count(*) from public.orders", {})


async def insert(client: Client, application: Application, verb: str) -> None:
    argument: Any = {"insert": NEW, "insert_many": [NEW], "enqueue": "t"}[verb]
    name = f"a{verb}" if application.is_async else verb
    answer = getattr(client, name)(argument, connection=application.connection)
    if application.is_async:
        await answer


def test_a_schema_that_was_dropped_later_is_missing_and_found_again(
    link: Link, client: Client, database_url: str, application: Application
) -> None:
    async def work() -> None:
        await insert(client, application, "insert")
        await application.commit()
        link.raw.execute("alter schema pgqueue rename to elsewhere")
        for verb in ("insert", "enqueue"):
            with pytest.raises(SchemaMissing):
                await insert(client, application, verb)
            await application.rollback()
        link.raw.execute("alter schema elsewhere rename to pgqueue")
        await insert(client, application, "insert")
        await application.commit()

    perform(application, database_url, work)

    assert 2 == client.count()


def test_the_schema_is_looked_for_once_for_each_database(
    client: Client, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: list[str] = []
    render = presence.Schema.render
    monkeypatch.setattr(
        presence.Schema, "render", lambda schema, file: files.append(file) or render(schema, file)
    )
    for _ in range(2):
        with psycopg.connect(libpq_url(database_url)) as connection:
            client.insert(NEW, connection=connection)

    assert ["find_schema", "enqueue", "enqueue"] == files


def test_an_older_schema_says_so(
    link: Link, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    link.raw.execute("alter view pgqueue.new_jobs rename to former_jobs")
    monkeypatch.setattr(schema_version, "REVISIONS", ("0001", "0002"))
    monkeypatch.setattr(schema_version, "NEEDED", "0002")

    with pytest.raises(SchemaTooOld):
        client.insert(NEW)


def test_a_missing_table_of_the_application_is_its_own_error(link: Link, client: Client) -> None:
    link.raw.execute(
        "create function public.log() returns trigger language plpgsql as "
        "$$begin insert into public.missing values (new.id); return new; end$$;"
        "create trigger log after insert on pgqueue.jobs "
        "for each row execute function public.log()"
    )

    with pytest.raises(psycopg.errors.UndefinedTable, match="missing"):
        client.insert(NEW)
    with link.raw.transaction(force_rollback=True), pytest.raises(psycopg.errors.UndefinedTable):
        client.insert(NEW, connection=link.raw)
