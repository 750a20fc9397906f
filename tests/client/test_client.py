"""The verbs of `Client`: enqueue by name, read, list by filters, cancel, retry, wait."""

import asyncio
import copy
import json
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import claiming
import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from pgqueue.client.client import Client
from pgqueue.core.errors import (
    DatabaseUnreachable,
    InvalidOption,
    JobGone,
    NoDatabase,
    PayloadTooLarge,
    UnstorableValue,
    UnsupportedConnection,
    WrongStatus,
)
from pgqueue.core.job import Job, JobVerbs, Undecodable
from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.core.new_job import NewJob
from pgqueue.core.retry import Retry
from pgqueue.schema import migrate
from pgqueue.store import claims, enqueueing, logs, settlements, tasks, workers
from pgqueue.store.connection.database import libpq_url
from pgqueue.store.connection.link import Link
from pgqueue.store.jobs import job_from
from pgqueue.store.logs import NewLogLine
from pgqueue.store.settlements import Settlement
from pgqueue.store.statement import run


def test_a_client_has_the_verbs_that_a_job_asks_for(client: Client) -> None:
    verbs: JobVerbs = client

    assert client is verbs


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


def test_an_inserted_job_is_whole_whichever_way_it_is_looked_at(client: Client) -> None:
    def inserted() -> Job:
        return client.insert(NewJob("t", '{"n": 1}', tags=("a",)))

    assert {"n": 1} == copy.copy(inserted()).args
    assert ("a",) == replace(inserted(), priority=3).tags
    assert f"task={'t'!r}" in repr(inserted())
    assert inserted() != inserted()
    # What type checkers refuse too is refused at run time, to those who have none.
    with pytest.raises(AttributeError, match="'colour'"):
        _ = inserted().colour  # type: ignore[attr-defined]
    with pytest.raises(FrozenInstanceError):
        inserted().task = "u"  # type: ignore[misc]


@pytest.mark.parametrize("is_closed", [False, True])
@pytest.mark.parametrize(
    "again",
    [
        lambda job: pickle.loads(pickle.dumps(job)),
        copy.copy,
        copy.deepcopy,
        replace,
        lambda job: job,
    ],
    ids=["pickled", "copied", "copied deeply", "replaced", "itself"],
)
def test_an_inserted_job_that_nobody_has_read_is_handed_on_whole(
    client: Client, link: Link, again: Callable[[Job], Job], is_closed: bool
) -> None:
    job = run(link, enqueueing.enqueue(NewJob("t", '{"n": 1}', tags=("a",))))
    unread = job._make
    if is_closed:
        link.close()

    handed = again(job)

    assert unread is not None
    assert (handed, job) == (client.job(job.id), handed)


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
        seen_by_others = client.count()
        connection.rollback()

    assert (0, 0) == (seen_by_others, client.count())


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


def test_nothing_to_insert_is_no_error(client: Client) -> None:
    assert 0 == client.insert_many([])


@pytest.mark.parametrize("batch_size", [0, 50_001])
def test_a_batch_has_a_size_within_limits(client: Client, batch_size: int) -> None:
    with pytest.raises(InvalidOption, match="batch_size"):
        client.insert_many([NewJob("t")], batch_size=batch_size)


def test_jobs_that_break_off_leave_none(client: Client) -> None:
    def jobs() -> Any:
        yield from [NewJob("t")] * 30
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        client.insert_many(jobs(), batch_size=10)

    assert 0 == client.count()


def test_a_name_gets_the_options_recorded_for_it_unless_the_call_says_otherwise(
    client: Client, link: Link
) -> None:
    _record(link, "shop.mail", {"queue": "mail", "max_attempts": 4, "timeout_seconds": 9.0})

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
    assert ("fixed", 3.0) == tuple(
        link.fetch("select backoff, backoff_base_seconds from pgqueue.jobs order by id desc", {})[0]
    )


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
def test_a_value_that_cannot_be_stored_is_named_before_anything_is_sent(
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


def test_a_job_that_does_not_exist_is_gone(client: Client) -> None:
    with pytest.raises(JobGone, match="no job 404"):
        client.job(404)
    with pytest.raises(JobGone):
        client.wait(404, timeout=1)


def _listed(client: Client) -> dict[str, int]:
    """Jobs of different kinds, by what they are called here."""
    plain = {
        "mail": NewJob("shop.mail", '{"to": 7, "cc": [1, 2]}', queue="mail", tags=("a", "b")),
        "mail_eu": NewJob("shop.mail_eu", '{"to": 8}', queue="mail/eu", tags=("a",)),
        "mailbox": NewJob("shopXmail", '{"to": "7"}', queue="mailbox"),
        "later": NewJob("tests.mail", run_after=60.0),
        "odd": NewJob("odd%_\\task", '{"deep": {"list": [{"x": null}]}}'),
    }
    return {name: client.insert(new).id for name, new in plain.items()}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, "odd later mailbox mail_eu mail"),
        ({"status": "scheduled"}, "later"),
        ({"status": ["scheduled", JobStatus.QUEUED]}, "odd later mailbox mail_eu mail"),
        ({"status": []}, ""),
        ({"task": "shop.mail"}, "mail"),
        ({"task": "shop.*"}, "mail_eu mail"),
        ({"task": "*mail"}, "later mailbox mail"),
        ({"task": "sh*.*_eu"}, "mail_eu"),
        ({"task": "shop_mail"}, ""),
        ({"task": "shop_*"}, ""),
        ({"task": "odd%_\\*"}, "odd"),
        ({"queue": "mail"}, "mail"),
        ({"queue": "mail/"}, "mail_eu"),
        ({"queue": "mail%"}, ""),
        ({"args": {"to": 7}}, "mail"),
        ({"args": {"cc": [2]}}, "mail"),
        ({"args": {"deep": {"list": [{"x": None}]}}}, "odd"),
        ({"args": {}}, "odd later mailbox mail_eu mail"),
        ({"tags": "a"}, "mail_eu mail"),
        ({"tags": ["b", "a"]}, "mail"),
        ({"worker": 1}, ""),
        ({"created_since": datetime(2100, 1, 1, tzinfo=UTC)}, ""),
        ({"created_since": datetime(2000, 1, 1, tzinfo=UTC), "tags": "b"}, "mail"),
        ({"finished_since": datetime(2000, 1, 1, tzinfo=UTC)}, ""),
        ({"task": "shop.*", "status": "queued", "queue": "mail/", "worker": None}, "mail_eu"),
    ],
    ids=str,
)
def test_a_list_holds_what_fits_every_filter_newest_first(
    client: Client, filters: dict[str, Any], expected: str
) -> None:
    ids = _listed(client)
    names = {job_id: name for name, job_id in ids.items()}

    listed = client.jobs(**filters)

    assert expected.split() == [names[job.id] for job in listed]
    assert len(listed) == client.count(**filters)
    assert all(job == client.job(job.id) for job in listed)


def test_a_list_by_ids_by_worker_and_by_end(client: Client, link: Link) -> None:
    ids = list(_listed(client).values())
    worker_id = _worker(link)
    [held] = _claim(link, worker_id, "mail")
    run(link, settlements.settle([Settlement(held.id, 1, worker_id, Outcome.SUCCEEDED)]))

    def listed(**filters: Any) -> list[int]:
        return [job.id for job in client.jobs(**filters)]

    assert [ids[3], ids[1]] == listed(ids=[ids[1], ids[3], 404])
    assert [] == listed(ids=[])
    assert [held.id] == listed(worker=worker_id)
    assert [held.id] == listed(finished_since=datetime(2000, 1, 1, tzinfo=UTC))
    assert 2 == client.count(ids=ids[:2])


def test_a_list_has_a_limit(client: Client) -> None:
    client.insert_many([NewJob("t")] * 150)

    assert 100 == len(client.jobs())
    assert 3 == len(client.jobs(limit=3))
    with pytest.raises(InvalidOption, match="limit"):
        client.jobs(limit=0)


@pytest.mark.parametrize(
    ("filters", "option"),
    [({"status": "done"}, "status"), ({"state": "queued"}, "state")],
    ids=str,
)
def test_a_filter_that_cannot_be_meant_is_refused(
    client: Client, filters: dict[str, Any], option: str
) -> None:
    with pytest.raises(InvalidOption, match=f"{option}=.* is refused"):
        client.jobs(**filters)
    with pytest.raises(InvalidOption, match=f"{option}=.* is refused"):
        client.cancel(**filters)


def test_a_row_that_cannot_be_decoded_spoils_only_itself(client: Client, link: Link) -> None:
    good = client.insert(NewJob("t", '{"a": 1}'))
    link.fetch("alter domain pgqueue.job_args drop constraint job_args_numbers_check", {})
    link.fetch(
        """
        insert into pgqueue.jobs (task, args, result)
        values
          ('digits', ('{"n": ' || repeat('9', 5000) || '}')::jsonb, null),
          ('depth', '{}', (repeat('[', 3000) || repeat(']', 3000))::jsonb)
        """,
        {},
    )

    depth, digits, listed = client.jobs()

    assert good == listed
    assert isinstance(digits.args, Undecodable)
    assert "digits" in digits.args.reason
    # How deep the reader goes is Python's choice: 3.13 reads what 3.11 does not.
    if isinstance(depth.result, Undecodable):
        assert 6000 == len(depth.result.text)
    else:
        assert json.dumps(depth.result, separators=(",", ":")).startswith("[[[")


@pytest.mark.parametrize("name", ["pgqueue", 'a"b', "it's"])
def test_every_verb_works_under_any_name_of_the_schema(database_url: str, name: str) -> None:
    migrate.upgrade(database_url, name)
    with Client(database_url, schema=name) as client:
        job = client.enqueue("shop.mail", {"to": 1}, tags=["it's"])
        client.insert_many([NewJob("pgqueue.jobs", '{"text": "pgqueue.jobs"}')])

        [by_copy] = client.jobs(task="pgqueue.*", args={"text": "pgqueue.jobs"}, limit=1)
        cancelled = client.cancel(job.id)

        assert "pgqueue.jobs" == by_copy.task
        assert {job.id: JobStatus.CANCELLED} == cancelled
        assert [] == client.tasks() == client.workers() == client.attempts(job.id)
        assert client.count(task="shop.mail", status="cancelled", tags="it's") >= 1
        client.cancel(task="*")


def test_jobs_are_cancelled_and_retried_by_id_and_by_filter(client: Client) -> None:
    ids = _listed(client)

    by_id = client.cancel(ids["mail"])
    by_ids = client.cancel([ids["mail"], ids["odd"], 404])
    by_filter = client.cancel(task="shop*")
    retried = client.retry(status="cancelled", queue="mail/")
    narrowed = client.retry([ids["mail"], ids["later"]], status="cancelled")

    assert {ids["mail"]: "cancelled"} == by_id
    assert {ids["mail"]: None, ids["odd"]: "cancelled", 404: None} == by_ids
    assert {
        ids["mail"]: None,
        ids["mail_eu"]: "cancelled",
        ids["mailbox"]: "cancelled",
    } == by_filter
    assert {ids["mail_eu"]: "queued"} == retried
    assert {ids["mail"]: "queued"} == narrowed


@pytest.mark.parametrize(
    ("found", "verb", "changed"),
    [
        ("failed", Client.retry, "status = 'succeeded', attempt = attempt + 1"),
        ("failed", Client.retry, "status = 'failed', attempt = attempt + 1"),
        ("failed", Client.retry, "status = 'cancelled'"),
        ("queued", Client.cancel, "status = 'running', attempt = attempt + 1"),
    ],
)
def test_a_filter_leaves_alone_what_fits_no_more_when_its_turn_comes(
    client: Client, link: Link, found: str, verb: Any, changed: str
) -> None:
    job = client.insert(NewJob("t"))
    link.fetch("update pgqueue.jobs set status = %(status)s", {"status": found})

    with ThreadPoolExecutor(1) as pool, link.raw.transaction():
        link.fetch("select from pgqueue.jobs for update", {})
        answer = pool.submit(verb, client, status=found)
        wait_for_a_waiter(link)
        link.raw.execute(f"update pgqueue.jobs set {changed}".encode())
    before = client.job(job.id)

    assert {job.id: None} == answer.result(30)
    assert before == client.job(job.id)
    assert [(None,)] == link.fetch("select cancel_requested_at from pgqueue.jobs", {})


def test_a_filter_by_worker_leaves_alone_what_that_worker_has_no_more(
    client: Client, link: Link
) -> None:
    job = client.insert(NewJob("t"))
    link.fetch("update pgqueue.jobs set status = 'running', attempt = 1, worker_id = 7", {})

    with ThreadPoolExecutor(1) as pool, link.raw.transaction():
        link.fetch("select from pgqueue.jobs for update", {})
        answer = pool.submit(client.cancel, worker=7)
        wait_for_a_waiter(link)
        link.fetch("update pgqueue.jobs set status = 'queued', worker_id = null", {})

    assert {job.id: None} == answer.result(30)
    assert "queued" == client.job(job.id).status


def test_a_filter_without_a_status_cancels_what_began_to_run_meanwhile(
    client: Client, link: Link
) -> None:
    job = client.insert(NewJob("t"))

    with ThreadPoolExecutor(1) as pool, link.raw.transaction():
        link.fetch("select from pgqueue.jobs for update", {})
        answer = pool.submit(client.cancel, task="t")
        wait_for_a_waiter(link)
        link.fetch("update pgqueue.jobs set status = 'running', attempt = 1", {})

    assert {job.id: JobStatus.RUNNING} == answer.result(30)


def test_several_statuses_may_come_from_an_iterator(client: Client) -> None:
    jobs = [client.insert(NewJob("t")) for _ in range(2)]

    done = client.cancel(status=iter(["queued", "scheduled"]))

    assert dict.fromkeys((job.id for job in jobs), JobStatus.CANCELLED) == done


@pytest.mark.parametrize("verb", [Client.cancel, Client.retry])
@pytest.mark.parametrize("filters", [{}, {"task": None}], ids=str)
def test_all_jobs_are_never_meant_by_saying_nothing(
    client: Client, verb: Callable[..., Any], filters: dict[str, Any]
) -> None:
    client.insert(NewJob("t"))

    with pytest.raises(InvalidOption, match="by id or by a filter"):
        verb(client, **filters)

    assert {} == verb(client, [])
    assert "queued" == client.jobs()[0].status


def test_a_jobs_own_verbs_say_what_does_not_go(client: Client, link: Link) -> None:
    job = client.insert(NewJob("t"))

    with pytest.raises(WrongStatus, match="is queued, which does not allow to retry"):
        job.retry()
    cancelled = job.cancel()
    with pytest.raises(WrongStatus, match="is cancelled, which does not allow to cancel"):
        job.cancel()
    retried = cancelled.retry()
    link.fetch("delete from pgqueue.jobs", {})
    with pytest.raises(JobGone):
        job.cancel()

    assert ("cancelled", "queued") == (cancelled.status, retried.status)


def test_a_job_that_came_from_no_client_says_so(client: Client, link: Link) -> None:
    client.insert(NewJob("t"))
    [row] = link.fetch(link.schema.render("read_job"), {"job_id": client.jobs()[0].id})

    with pytest.raises(NoDatabase):
        job_from(row).refresh()


def test_a_jobs_story_is_its_attempts_and_logs(client: Client, link: Link) -> None:
    job = client.insert(NewJob("t", max_attempts=2))
    worker_id = _worker(link)
    [held] = _claim(link, worker_id, "default")
    for n in range(3):
        said = NewLogLine(held.id, 1, worker_id, 0.0, "INFO", "shop", f"line {n}", n)
        run(link, logs.add_log_lines([said]))
    run(
        link,
        settlements.settle(
            [Settlement(held.id, 1, worker_id, Outcome.FAILED, error_type="ValueError")]
        ),
    )

    [attempt] = job.attempts()
    lines = job.logs()

    assert ("failed", "ValueError", worker_id) == (
        attempt.outcome,
        attempt.error_type,
        attempt.worker_id,
    )
    assert ["line 0", "line 1", "line 2"] == [line.message for line in lines]
    assert lines[2:] == client.logs(job.id, after=lines[1].id)
    assert lines[:1] == client.logs(job.id, limit=1)


def test_tasks_are_read_as_they_were_recorded(client: Client, link: Link) -> None:
    _record(link, "b.mail", {"queue": "x"}, ["a.old"])
    _record(link, "a.mail", {})

    assert ["a.mail", "b.mail"] == [task.name for task in client.tasks()]
    by_alias = client.task("a.old")
    assert by_alias is not None
    assert ("b.mail", {"queue": "x"}, ("a.old",)) == (
        by_alias.name,
        by_alias.options,
        by_alias.aliases,
    )
    assert client.task("nobody") is None


def test_workers_are_listed_while_they_live(client: Client, link: Link) -> None:
    first, second = _worker(link), _worker(link)
    run(link, workers.end_workers([first], "died", "killed"))

    assert [second] == [worker.id for worker in client.workers()]
    assert [(second, None), (first, "died")] == [
        (worker.id, worker.stop_reason) for worker in client.workers(with_stopped=True)
    ]
    assert ("default", "mail") == client.workers()[0].queues


def test_waiting_ends_when_the_job_is_final(client: Client, link: Link) -> None:
    job = client.insert(NewJob("t"))
    worker_id = _worker(link)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(job.wait, 30)
        [held] = _claim(link, worker_id, "default")
        run(
            link,
            settlements.settle([Settlement(held.id, 1, worker_id, Outcome.SUCCEEDED, result="42")]),
        )
        finished = waiting.result(timeout=30)

    assert (JobStatus.SUCCEEDED, 42) == (finished.status, finished.result)
    assert finished == job.wait(0)


def test_waiting_gives_up_in_time(client: Client) -> None:
    job = client.insert(NewJob("t"))

    with pytest.raises(TimeoutError, match=f"Job {job.id} is queued after 0.02 s"):
        job.wait(0.02)


def test_what_a_client_is_not_told_comes_from_the_settings(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PGQUEUE_URL", "DATABASE_URL", "PGQUEUE_SCHEMA"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(NoDatabase):
        Client()

    monkeypatch.setenv("PGQUEUE_URL", database_url)
    monkeypatch.setenv("PGQUEUE_SCHEMA", "elsewhere")
    told, untold = Client(schema="pgqueue"), Client()

    assert (database_url, "pgqueue") == (told.database.url, told.database.schema.name)
    assert (database_url, "elsewhere") == (untold.database.url, untold.database.schema.name)


def test_an_engine_gives_its_url_with_the_password() -> None:
    engine = create_engine("postgresql+psycopg://me:s3cret%20@somewhere:5/else")

    assert "postgresql+psycopg://me:s3cret%20@somewhere:5/else" == Client(engine).database.url


@pytest.mark.parametrize("create", [create_engine, create_async_engine])
def test_a_client_of_an_engine_enqueues(database_url: str, create: Callable[[str], Any]) -> None:
    engine = create("postgresql+psycopg://" + libpq_url(database_url).split("://", 1)[1])

    with Client(engine) as client:
        assert "t" == client.enqueue("t").task


@pytest.mark.parametrize("value", [create_engine("sqlite://"), 42])
def test_a_client_of_something_else_is_refused(value: Any) -> None:
    with pytest.raises(UnsupportedConnection):
        Client(value)


def test_a_server_that_does_not_answer_is_named_as_such() -> None:
    with pytest.raises(DatabaseUnreachable, match="cannot be used"):
        Client("postgresql://nobody@127.0.0.1:1/nowhere").enqueue("t")


def test_enqueueing_loads_no_sqlalchemy(database_url: str) -> None:
    code = (
        "import sys; from pgqueue.client.client import Client;"
        "client = Client(sys.argv[1]); client.enqueue('t').cancel(); client.close();"
        "print([name for name in ('sqlalchemy', 'alembic', 'pydantic') if name in sys.modules])"
    )

    ran = subprocess.run(
        [sys.executable, "-c", code, database_url], capture_output=True, text=True, check=True
    )

    assert "[]" == ran.stdout.strip()


def _record(
    link: Link, name: str, options: dict[str, Any], aliases: list[str] | None = None
) -> None:
    task = {"name": name, "signature": "()", "docstring": "", "options": options}
    run(link, tasks.record_tasks([{**task, "aliases": aliases or []}]))


def _worker(link: Link) -> int:
    return run(
        link,
        workers.register_worker(
            supervisor_id=1,
            executor="greenlet",
            slots=1,
            host="here",
            queues=["default", "mail"],
            lease_seconds=60,
        ),
    )


def _claim(link: Link, worker_id: int, queue: str) -> list[claims.ClaimedAttempt]:
    return run(
        link,
        claiming.claim(
            worker_id=worker_id,
            executor="greenlet",
            queues=[queue],
            unknown_tasks=[],
            jobs_max=10,
            slots_free=10,
        ),
    )


def wait_for_a_waiter(link: Link) -> None:
    """Return when another session waits for a lock of ours."""
    until = time.monotonic() + 30
    # Not from pg_stat_activity, which stays as it was first seen in a transaction.
    waiters = "select pid from pg_locks where pg_backend_pid() = any(pg_blocking_pids(pid))"
    while not link.fetch(waiters, {}):
        assert time.monotonic() < until, "nobody waits"
