"""A notification is a hint: it fails no transaction, and follows the name of the schema."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from queue_database import QueueDatabase
from registering import listening_supervisor
from sqlalchemy import create_engine

from pgqueue import embedded
from pgqueue.core.new_job import NewJob
from pgqueue.schema import migrate
from pgqueue.store import bulk_insert, enqueueing
from pgqueue.store.connection.adopt import adopt
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.schema_name import Schema
from pgqueue.store.statement import run

Connection = psycopg.Connection[Any]


@pytest.fixture
def url(server_folder: Path) -> Iterator[str]:
    """A server with prepared transactions, and with a small queue of notifications."""
    programs = os.environ.get("PGQUEUE_TEST_PG_BIN")
    settings = {"fsync": "off", "max_prepared_transactions": "9"}
    if not programs:
        settings["max_notify_queue_pages"] = "64"
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(
            embedded.start(
                server_folder, settings=settings, bin_folder=Path(programs) if programs else None
            )
        )
        migrate.upgrade(server.url, "pgqueue")
        yield server.url


def _listen(listener: Connection, channel: str) -> None:
    listener.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))


def _received(listener: Connection) -> list[str]:
    listener.execute("select pg_notify(min(name), 'end') from pg_listening_channels() as name")
    payloads = []
    for notification in listener.notifies(timeout=20):
        if notification.payload == "end":
            break
        payloads.append(notification.payload)
    return payloads


def _one(link: Link) -> None:
    run(link, enqueueing.enqueue(NewJob("t")))


def _by_name(link: Link) -> None:
    run(link, enqueueing.enqueue_by_name("t", "{}", run_after=None, options={}))


def _many(link: Link) -> None:
    bulk_insert.insert(link, [NewJob("t")] * 3, 100)


def _by_sql(link: Link) -> None:
    link.fetch("select pgqueue.enqueue('t')", {})


def _retried(link: Link) -> None:
    link.fetch("select pgqueue.retry(min(id)) from pgqueue.jobs", {})


@pytest.fixture
def own(url: str) -> Iterator[QueueDatabase]:
    """The server's database on a session of our own."""
    link = Database(url).open()
    yield QueueDatabase(link)
    link.close()


@pytest.fixture
def listener(url: str) -> Iterator[Connection]:
    """A session that receives the notifications of a supervisor that wants some."""
    link = Database(url).open()
    channel = Schema().channel(listening_supervisor(link))
    run(link, enqueueing.enqueue(NewJob("t", run_after=600.0)))
    link.close()
    with psycopg.connect(url, autocommit=True) as listener:
        _listen(listener, channel)
        yield listener


def test_a_transaction_that_makes_jobs_can_be_prepared(url: str, listener: Connection) -> None:
    puts = (_one, _by_name, _many, _by_sql, _retried)
    with psycopg.connect(url) as connection:
        for number, put in enumerate(puts):
            connection.tpc_begin(connection.xid(1, f"job {number}", "b"))
            put(adopt(connection, Schema()))
            connection.tpc_prepare()
            connection.tpc_commit()

    assert [] == _received(listener)
    assert [(7, 0)] == _counts(listener)


def test_sqlalchemy_prepares_a_transaction_that_makes_a_job(url: str, listener: Connection) -> None:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        transaction = connection.begin_twophase()
        _one(adopt(connection, Schema()))
        transaction.prepare()
        transaction.commit()
    engine.dispose()

    assert [(1, 0)] == _counts(listener)


@pytest.mark.parametrize("put", [_one, _by_name, _many, _by_sql, _retried])
def test_a_commit_notifies_where_transactions_can_be_prepared(
    url: str, listener: Connection, put: Callable[[Link], None]
) -> None:
    with psycopg.connect(url) as connection:
        put(adopt(connection, Schema()))
        connection.rollback()
        assert [] == _received(listener)
        put(adopt(connection, Schema()))
        assert [] == _received(listener)
        connection.commit()

    assert [""] == _received(listener)
    assert 0 == _counts(listener)[0][1]


def test_a_cancellation_can_be_prepared(url: str, own: QueueDatabase, listener: Connection) -> None:
    prepared, committed = own.claim_new(), own.claim_new()
    _listen(listener, Schema().channel(1))
    _received(listener)
    with psycopg.connect(url) as connection:
        connection.tpc_begin(connection.xid(1, "cancel", "b"))
        connection.execute("select pgqueue.cancel(%s)", [prepared.id])
        connection.tpc_prepare()
        connection.tpc_commit()
    assert [] == _received(listener)

    # The text of a statement of the extended protocol is gone when it is committed.
    own.rows("select pgqueue.cancel(%(id)s)", id=committed.id)

    assert ["requests"] == _received(listener)


def test_a_full_queue_of_notifications_fails_no_enqueue(
    url: str, own: QueueDatabase, listener: Connection
) -> None:
    if os.environ.get("PGQUEUE_TEST_PG_BIN"):
        pytest.skip("the size of the queue cannot be set before PostgreSQL 17")
    with psycopg.connect(url) as stuck:
        # A listener inside a transaction keeps all later notifications in the queue.
        stuck.execute("listen other")
        stuck.commit()
        stuck.execute("select 1")
        with contextlib.suppress(psycopg.errors.ProgramLimitExceeded):
            while own.row("select pg_notification_queue_usage()")[0] < 0.9:
                own.rows(
                    "select pg_notify('other', repeat('x', 7000) || n)"
                    " from generate_series(1, 20) as n"
                )
        for put in (_one, _many, _by_sql, _retried):
            put(own.link)

        assert [(6, 0)] == _counts(listener)


def _counts(listener: Connection) -> list[Any]:
    return listener.execute(
        "select (select count(*) from pgqueue.jobs where status = 'queued'),"
        " (select count(*) from pgqueue.wake_ups)"
    ).fetchall()


@pytest.mark.own_session
def test_the_server_gives_up_a_listener_that_acknowledges_nothing(db: QueueDatabase) -> None:
    # A session over a Unix socket shows 0, whatever was set.
    db.link.listen(7)

    assert [("session",)] == db.rows(
        "select source from pg_settings where name = 'tcp_user_timeout'"
    )


@pytest.mark.own_session
@pytest.mark.parametrize(
    "name", ["renamed", 'a"b', "pgqueue.x", "s" * 48, '"' * 48, "é" * 24], ids=lambda name: name[:9]
)
def test_notifications_follow_a_renamed_schema(
    db: QueueDatabase, database_url: str, name: str
) -> None:
    schema = Schema(name)
    listening_supervisor(db.link)
    # The longest id.
    db.rows("update pgqueue.supervisors set id = %(id)s returning id", id=2**53 - 1)
    channel = schema.channel(2**53 - 1)
    db.link.raw.execute(sql.SQL("alter schema pgqueue rename to {}").format(sql.Identifier(name)))
    renamed = Database(database_url, schema).open()
    with psycopg.connect(database_url, autocommit=True) as listener:
        _listen(listener, channel)
        enqueue = sql.SQL("select {}.enqueue('t')").format(sql.Identifier(name))
        for put in (_one, _by_name, _many, lambda _: db.link.raw.execute(enqueue)):
            put(renamed)
            assert [""] == _received(listener)
    renamed.close()
