"""A job on the caller's connection is committed or rolled back with the caller's transaction."""

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from applications import (
    NEW,
    OWN_WRITE,
    SCHEMA,
    Application,
    AsyncPsycopg,
    Psycopg,
    perform,
    visible,
)
from django_connection import django_connection
from queue_database import QueueDatabase

from pgqueue.core.job import Job
from pgqueue.core.new_job import NewJob
from pgqueue.store import bulk_insert, enqueueing
from pgqueue.store.connection.adopt import adopt
from pgqueue.store.connection.database import libpq_url
from pgqueue.store.statement import run


def test_a_committed_job_exists_together_with_the_applications_row(
    db: QueueDatabase, orders: None, database_url: str, application: Application
) -> None:
    async def work() -> Job:
        await application.write()
        job = await application.enqueue(NEW)
        assert (0, 0) == visible(db)
        await application.commit()
        return job

    job = perform(application, database_url, work)

    assert (1, 1) == visible(db)
    assert job == db.job(job.id)


def test_a_commit_of_a_connection_that_did_nothing_else_keeps_the_job(
    db: QueueDatabase, orders: None, database_url: str, application: Application
) -> None:
    async def work() -> None:
        await application.enqueue(NEW)
        await application.commit()
        await application.enqueue_many([NEW, NEW])
        await application.commit()

    perform(application, database_url, work)

    assert (0, 3) == visible(db)


def test_a_job_rolled_back_never_exists(
    db: QueueDatabase, orders: None, database_url: str, application: Application
) -> None:
    async def work() -> None:
        await application.enqueue(NEW)
        await application.write()
        await application.rollback()
        await application.write()
        await application.commit()

    perform(application, database_url, work)

    assert (1, 0) == visible(db)


def test_a_job_of_a_connection_closed_without_a_commit_never_exists(
    db: QueueDatabase, orders: None, database_url: str, application: Application
) -> None:
    async def work() -> None:
        await application.enqueue(NEW)

    perform(application, database_url, work)

    assert (0, 0) == visible(db)


def test_a_job_rolled_back_to_a_savepoint_never_exists(
    db: QueueDatabase, orders: None, database_url: str, application: Application
) -> None:
    async def within() -> None:
        await application.write()
        await application.enqueue(NEW)
        await application.enqueue_many([NEW, NEW])

    async def work() -> None:
        await application.write()
        await application.enqueue(NEW)
        await application.within_savepoint(within)
        await application.write()
        await application.commit()

    perform(application, database_url, work)

    assert (2, 1) == visible(db)


def test_ten_thousand_jobs_rolled_back_leave_none(
    db: QueueDatabase, orders: None, database_url: str, application: Application
) -> None:
    async def work() -> int:
        inserted = await application.enqueue_many(NEW for _ in range(9_500))
        for _ in range(500):
            await application.enqueue(NEW)
        rows = await application.query("select count(*) from pgqueue.jobs")
        assert [(10_000,)] == rows
        await application.rollback()
        return inserted

    inserted = perform(application, database_url, work)

    assert 9_500 == inserted
    assert (0, 0) == visible(db)


def test_a_bulk_insert_that_fails_midway_leaves_no_job_in_the_callers_transaction(
    db: QueueDatabase, orders: None, database_url: str, application: Application
) -> None:
    def jobs_until_it_breaks() -> Iterator[NewJob]:
        yield from [NEW] * 2_500
        raise ZeroDivisionError

    async def work() -> None:
        # Once as the first statement of the transaction, once in the middle of it.
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                await application.enqueue_many(jobs_until_it_breaks())
            await application.write()
        await application.enqueue_many([NEW])
        await application.commit()

    perform(application, database_url, work)

    assert (2, 1) == visible(db)


@pytest.mark.parametrize("kind", [Psycopg, AsyncPsycopg], ids=lambda kind: kind.__name__)
def test_a_bulk_insert_that_the_server_refuses_leaves_the_callers_transaction_usable(
    db: QueueDatabase, orders: None, database_url: str, kind: type[Application]
) -> None:
    application = kind()

    async def work() -> None:
        await application.write()
        with pytest.raises(psycopg.errors.CheckViolation):
            await application.enqueue_many([*[NEW] * 1_000, NewJob("")])
        await application.commit()

    perform(application, database_url, work)

    assert (1, 0) == visible(db)


@pytest.mark.parametrize("kind", [Psycopg, AsyncPsycopg], ids=lambda kind: kind.__name__)
def test_a_bulk_insert_in_autocommit_appears_at_once_or_not_at_all(
    db: QueueDatabase, orders: None, database_url: str, kind: type[Application]
) -> None:
    application = kind()

    def jobs_until_it_breaks() -> Iterator[NewJob]:
        yield from [NEW] * 1_500
        assert (0, 0) == visible(db)
        raise ZeroDivisionError

    async def work() -> None:
        changed = application.connection.set_autocommit(True)
        if application.is_async:
            await changed
        with pytest.raises(ZeroDivisionError):
            await application.enqueue_many(jobs_until_it_breaks())

    perform(application, database_url, work)

    assert (0, 0) == visible(db)


def test_a_generator_of_jobs_may_use_the_same_connection(
    db: QueueDatabase, orders: None, database_url: str
) -> None:
    with psycopg.connect(libpq_url(database_url)) as connection:

        def jobs_of_orders() -> Iterator[NewJob]:
            for number in range(5):
                connection.execute(OWN_WRITE)
                yield NewJob("shop.order", f'{{"number": {number}}}')

        inserted = bulk_insert.insert(adopt(connection, SCHEMA), jobs_of_orders(), 2)

    assert 5 == inserted
    assert (5, 5) == visible(db)


def test_a_job_inside_djangos_atomic_is_committed_or_rolled_back_with_it(
    db: QueueDatabase, orders: None, database_url: str
) -> None:
    proxy = django_connection(database_url)
    from django.db import transaction

    with transaction.atomic():
        kept = run(adopt(proxy, SCHEMA), enqueueing.enqueue(NEW))
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            run(adopt(proxy, SCHEMA), enqueueing.enqueue(NEW))
            raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        run(adopt(proxy, SCHEMA), enqueueing.enqueue(NEW))
        raise ZeroDivisionError
    proxy.close()

    assert [(kept.id,)] == db.rows("select id from pgqueue.jobs")


def test_django_itself_refuses_a_broken_transaction(database_url: str) -> None:
    proxy = django_connection(database_url)
    from django.db import transaction

    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(transaction.TransactionManagementError):
            adopt(proxy, SCHEMA)
    proxy.close()


def test_a_job_for_later_is_due_by_the_databases_clock(
    db: QueueDatabase, database_url: str
) -> None:
    with psycopg.connect(libpq_url(database_url)) as connection:
        connection.execute("set timezone = 'Asia/Tokyo'")
        link = adopt(connection, SCHEMA)

        job = run(link, enqueueing.enqueue(NewJob("t", run_after=90.0)))

    assert abs(job.run_at - job.created_at - timedelta(seconds=90)) < timedelta(seconds=1)
    assert "scheduled" == job.status
