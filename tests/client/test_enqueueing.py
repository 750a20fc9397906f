"""The verbs that insert jobs, and the events that they emit."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from pgqueue.client import enqueueing
from pgqueue.client.client import Client
from pgqueue.core.errors import InvalidOption, PayloadTooLarge, UnstorableValue
from pgqueue.core.events.event import listen
from pgqueue.core.events.jobs import JobEnqueued
from pgqueue.core.lifecycle import JobStatus
from pgqueue.core.new_job import NewJob
from pgqueue.core.retry import Retry
from pgqueue.store.connection.database import libpq_url
from pgqueue.store.connection.link import Link

if TYPE_CHECKING:
    from queue_database import QueueDatabase


@pytest.fixture
def events() -> Iterator[list[JobEnqueued]]:
    """The events `job.enqueued` of the test, in their order."""
    events: list[JobEnqueued] = []
    stop = listen(JobEnqueued, events.append)
    yield events
    stop()


def test_an_inserted_job_reads_back_as_it_was_returned(client: Client) -> None:
    inserted = client.insert(
        NewJob("shop.mail", '{"to": "ü"}', priority=3, expires_after_seconds=60.0, tags=("a",))
    )

    assert inserted == client.job(inserted.id) == inserted.refresh()
    assert ({"to": "ü"}, JobStatus.QUEUED, ("a",)) == (
        inserted.args,
        inserted.status,
        inserted.tags,
    )


def test_asyncio_inserts_without_a_connection_too(client: Client) -> None:
    async def work() -> tuple[int, int, int]:
        inserted = await client.ainsert(NewJob("a"))
        many = await client.ainsert_many(NewJob("b") for _ in range(3))
        named = await client.aenqueue("c", {"n": 1}, queue="mail", timeout=None)
        return inserted.id, many, named.id

    inserted, many, named = asyncio.run(work())

    assert ("a", 3) == (client.job(inserted).task, many)
    job = client.job(named)
    assert ({"n": 1}, "mail", None) == (job.args, job.queue, job.timeout_seconds)


def test_asyncio_inserts_on_the_callers_connection(client: Client, database_url: str) -> None:
    async def work() -> None:
        connection = await psycopg.AsyncConnection.connect(libpq_url(database_url))
        await client.ainsert(NewJob("a"), connection=connection)
        await client.ainsert_many([NewJob("b")], connection=connection)
        await client.aenqueue("c", connection=connection)
        await connection.rollback()
        await client.ainsert(NewJob("d"), connection=connection)
        await connection.commit()
        await connection.close()

    asyncio.run(work())

    assert ["d"] == [job.task for job in client.jobs()]


def test_verbs_join_the_callers_transaction(client: Client, database_url: str) -> None:
    with psycopg.connect(libpq_url(database_url)) as connection:
        client.insert(NewJob("a"), connection=connection)
        client.insert_many([NewJob("b")] * 2, connection=connection)
        client.enqueue("c", connection=connection)
        count_of_others = client.count()
        connection.rollback()

    assert (0, 0) == (count_of_others, client.count())


def test_many_jobs_are_inserted_in_batches(client: Client) -> None:
    inserted = client.insert_many((NewJob("t", f'{{"n": {n}}}') for n in range(25)), batch_size=10)

    jobs = client.jobs(limit=100)
    assert 25 == inserted
    assert list(range(24, -1, -1)) == [job.args["n"] for job in jobs]
    assert sorted((job.position for job in jobs), reverse=True) == [job.position for job in jobs]


def test_many_jobs_may_fall_due_at_different_times(client: Client) -> None:
    moment = datetime(2100, 1, 1, tzinfo=UTC)
    past = datetime(2000, 1, 1, tzinfo=UTC)

    client.insert_many(
        NewJob("t", run_after=run_after, expires_after_seconds=expires)
        for run_after, expires in [(None, None), (60, 90.0), (moment, None), (past, 5.5)]
    )

    now, soon, later, overdue = client.jobs()[::-1]
    assert ["queued", "scheduled", "scheduled", "queued"] == [
        job.status for job in (now, soon, later, overdue)
    ]
    assert (moment, past) == (later.run_at, overdue.run_at)
    assert abs(soon.run_at - now.run_at - timedelta(seconds=60)) < timedelta(seconds=1)
    assert soon.expires_at is not None
    assert abs(soon.expires_at - soon.run_at - timedelta(seconds=30)) < timedelta(seconds=1)
    assert now.expires_at is None


def test_inserting_no_jobs_is_no_error(client: Client) -> None:
    assert 0 == client.insert_many([])


@pytest.mark.parametrize("batch_size", [0, 50_001])
def test_a_batch_has_a_size_within_limits(client: Client, batch_size: int) -> None:
    with pytest.raises(InvalidOption, match="batch_size"):
        client.insert_many([NewJob("t")], batch_size=batch_size)


def test_an_iterator_that_raises_leaves_no_job(client: Client) -> None:
    def jobs() -> Any:
        yield from [NewJob("t")] * 30
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        client.insert_many(jobs(), batch_size=10)

    assert 0 == client.count()


def test_a_name_gets_the_recorded_options_that_the_call_does_not_set(
    client: Client, db: "QueueDatabase", record_task: Callable[..., None]
) -> None:
    record_task("shop.mail", {"queue": "mail", "max_attempts": 4, "timeout_seconds": 9.0})

    recorded = client.enqueue("shop.mail", {"to": 7})
    changed = client.enqueue(
        "shop.mail",
        queue="fast",
        priority=5,
        run_after=timedelta(minutes=1),
        timeout=None,
        retry=Retry(max_attempts=9, backoff="fixed", base=3),
        expires_after=timedelta(hours=1),
        tags=["x"],
    )

    assert ("mail", 4, 9.0, {"to": 7}) == (
        recorded.queue,
        recorded.max_attempts,
        recorded.timeout_seconds,
        recorded.args,
    )
    assert ("fast", 5, 9, None, ("x",), JobStatus.SCHEDULED) == (
        changed.queue,
        changed.priority,
        changed.max_attempts,
        changed.timeout_seconds,
        changed.tags,
        changed.status,
    )
    assert changed.expires_at is not None
    question = "select backoff, backoff_base_seconds from pgqueue.jobs where id = %(id)s"
    assert ("fixed", 3.0) == db.row(question, id=changed.id)


@pytest.mark.parametrize(
    ("args", "path"),
    [
        ({"a": {"b": [1, float("nan")]}}, r"args\.a\.b\[1\]"),
        ({"a": "x\0y"}, r"args\.a"),
        ({"a": 2**63}, r"args\.a"),
        ({"a": datetime(2026, 1, 1, tzinfo=UTC)}, r"args\.a"),
        ({1: 2}, "args"),
    ],
    ids=str,
)
def test_a_value_that_cannot_be_stored_is_refused_before_anything_is_sent(
    args: dict[str, object], path: str
) -> None:
    nowhere = Client("postgresql://nobody@127.0.0.1:1/nowhere")

    with pytest.raises(UnstorableValue, match=path):
        nowhere.enqueue("shop.mail", args)


def test_arguments_by_name_have_a_limit() -> None:
    nowhere = Client("postgresql://nobody@127.0.0.1:1/nowhere", args_bytes_max=100)

    with pytest.raises(PayloadTooLarge, match="args_bytes_max is 100"):
        nowhere.enqueue("shop.mail", {"text": "ü" * 50})


@pytest.mark.parametrize(
    "options",
    [{"queue": ""}, {"priority": 101}, {"timeout": 0}, {"run_after": datetime(2026, 1, 1)}],
    ids=str,
)
def test_an_option_out_of_bounds_is_refused(client: Client, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidOption, match=next(iter(options))):
        client.enqueue("shop.mail", **options)


def test_each_insert_of_one_job_emits_its_id(client: Client, events: list[JobEnqueued]) -> None:
    async def insert() -> tuple[int, int]:
        by_call = await client.ainsert(NewJob("c"))
        by_name = await client.aenqueue("d")
        return by_call.id, by_name.id

    job_ids = (
        client.insert(NewJob("a", queue="mail")).id,
        client.enqueue("b").id,
        *asyncio.run(insert()),
    )

    assert [
        JobEnqueued(task="a", queue="mail", job_id=job_ids[0]),
        JobEnqueued(task="b", queue="default", job_id=job_ids[1]),
        JobEnqueued(task="c", queue="default", job_id=job_ids[2]),
        JobEnqueued(task="d", queue="default", job_id=job_ids[3]),
    ] == events


def test_a_bulk_insert_emits_one_event_for_each_task_and_queue(
    client: Client, database_url: str, events: list[JobEnqueued]
) -> None:
    jobs = [NewJob("a"), NewJob("a", queue="mail"), NewJob("b"), NewJob("a")]

    async def insert_many() -> None:
        connection = await psycopg.AsyncConnection.connect(libpq_url(database_url))
        await client.ainsert_many([NewJob("d")], connection=connection)
        await connection.close()

    client.insert_many(jobs)
    asyncio.run(client.ainsert_many([NewJob("c")] * 2))
    asyncio.run(insert_many())

    assert [
        JobEnqueued(task="a", queue="default", job_count=2),
        JobEnqueued(task="a", queue="mail"),
        JobEnqueued(task="b", queue="default"),
        JobEnqueued(task="c", queue="default", job_count=2),
        JobEnqueued(task="d", queue="default"),
    ] == events


def test_a_bulk_insert_counts_no_jobs_for_listeners_to_other_events(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = listen("worker.*", lambda event: None)
    monkeypatch.setattr(enqueueing, "Counter", lambda: pytest.fail("it counts"))

    inserted = client.insert_many([NewJob("a")])
    stop()

    assert 1 == inserted


def test_an_insert_that_fails_emits_nothing(client: Client, events: list[JobEnqueued]) -> None:
    with pytest.raises(InvalidOption):
        client.insert_many([NewJob("t")], batch_size=0)
    with pytest.raises(psycopg.Error):
        client.insert(NewJob("t", priority=1_000))

    assert [] == events


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("run_after", datetime.max.replace(tzinfo=UTC)),
        ("run_after", datetime.min.replace(tzinfo=timezone(timedelta(hours=12)))),
        ("run_after", timedelta.max),
        ("expires_after", timedelta.max),
        ("timeout", timedelta.max),
    ],
)
def test_a_time_that_no_row_holds_leaves_the_callers_transaction_usable(
    client: Client, link: Link, option: str, value: Any
) -> None:
    with link.raw.transaction():
        with pytest.raises(InvalidOption, match=f"^{option}="):
            client.enqueue("t", connection=link.raw, **{option: value})
        client.enqueue("t", connection=link.raw)

    assert 1 == client.count()


def test_a_job_may_run_at_a_moment_of_any_offset(client: Client) -> None:
    for hours in (-23, 23):
        moment = datetime(2030, 1, 1, tzinfo=timezone(timedelta(hours=hours)))

        assert moment == client.enqueue("t", run_after=moment).run_at
        assert moment == client.jobs(created_since=moment - timedelta(days=3_650))[0].run_at


def test_a_filter_takes_aware_moments_alone(client: Client) -> None:
    with pytest.raises(InvalidOption, match=r"created_since.*no time zone"):
        client.jobs(created_since=datetime(2030, 1, 1))
