"""What one turn of the watch does."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import takewhile
from typing import Any

import psycopg
import pytest
from psycopg import sql
from queue_database import QueueDatabase

from pgqueue.client.client import Client
from pgqueue.core.new_job import NewJob
from pgqueue.process import dispatcher
from pgqueue.process.dispatcher import Dispatcher, Ready
from pgqueue.process.worker_pool import WorkerKind
from pgqueue.store import bulk_insert, supervisors
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.requests import CancelRequest
from pgqueue.store.statement import Statement, run

_REFUSES = """
create function pgqueue.refuse() returns trigger language plpgsql as $$
begin
  raise exception 'not this one';
end $$;
create trigger refuse before update on pgqueue.jobs
for each row when (old.task = 'app.refused' and new.status = 'queued')
execute function pgqueue.refuse()
"""


@pytest.fixture
def watching(database_url: str) -> Iterator[Callable[..., Dispatcher]]:
    """Makes watches that are closed afterwards."""
    with ExitStack() as open_:

        def make(**options: Any) -> Dispatcher:
            given = {
                "supervisor_id": 1,
                "queues": ["default"],
                "poll_seconds": 60.0,
                "on_ready": lambda ready, wakes: None,
                "on_cancelling": lambda asked: None,
                **options,
            }
            made = Dispatcher(Database(database_url), **given)
            open_.callback(made.close)
            return made

        yield make


@pytest.fixture
def hears(link: Link, database_url: str) -> Iterator[Callable[[], int]]:
    """How many notifications came since it was asked last."""
    with psycopg.connect(database_url, autocommit=True) as listener:
        channel = link.schema.channel
        listener.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))

        def heard() -> int:
            # All that was sent before comes before this.
            listener.execute("select pg_notify(%s, 'end')", [channel])
            sent = takewhile(lambda each: each.payload != "end", listener.notifies(timeout=10))
            return len(list(sent))

        yield heard


def _watch(
    link: Link, *queues: str, wants: bool = True, seconds: float = 60, supervisor: int = 1
) -> int:
    return run(link, supervisors.announce(supervisor, queues, wants_notify=wants, seconds=seconds))


def test_many_jobs_that_fall_due_at_once_hold_up_no_cancellation(
    db: QueueDatabase, watching: Callable[..., Dispatcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    held = db.claim_new()
    db.change(held.id, cancel_requested_at="2020-01-01")
    due = [db.enqueue().id for _ in range(5)]
    db.rows(
        "update pgqueue.jobs set status = 'scheduled' where id = any(%(due)s) returning id", due=due
    )
    monkeypatch.setattr(dispatcher, "_PROMOTED_MAX", 2)
    queued: list[int] = []

    def on_cancelling(asked: Sequence[CancelRequest]) -> None:
        assert [held.id] == [each.id for each in asked]
        queued.append(db.row("select count(*) from pgqueue.jobs where status = 'queued'")[0])

    looks = watching(
        supervisor_id=db.row("select supervisor_id from pgqueue.workers")[0],
        poll_seconds=0.0,
        on_cancelling=on_cancelling,
    )
    for _ in range(3):
        looks.run_once()

    assert [0, 2, 4] == queued


def test_jobs_that_cannot_be_promoted_keep_no_other_from_being_run(
    db: QueueDatabase, watching: Callable[..., Dispatcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    db.link.raw.execute(_REFUSES.encode())
    monkeypatch.setattr("pgqueue.store.batched_statement._REFUSED_MAX", 0)
    db.change(db.enqueue("app.refused").id, status="scheduled")
    db.enqueue(queue="other")
    found: list[Ready] = []
    looks = watching(
        queues=["other"], poll_seconds=0.0, on_ready=lambda ready, wakes: found.append(ready)
    )

    for _ in range(3):
        looks.run_once()

    assert [{("greenlet", False): ["other"]}] * 3 == found


@pytest.mark.own_session
def test_a_job_is_promoted_when_it_falls_due_and_not_at_the_next_poll(
    db: QueueDatabase, watching: Callable[..., Dispatcher]
) -> None:
    job = db.enqueue(run_after=0.3)
    looks = watching()

    turns = 0
    while db.job(job.id).status == "scheduled" and turns < 100:
        looks.run_once()
        turns += 1

    late = db.row("select extract(epoch from clock_timestamp() - run_at) from pgqueue.jobs")[0]
    assert "queued" == db.job(job.id).status
    assert 0 <= late < 5


@pytest.mark.own_session
def test_jobs_that_fall_due_one_after_the_other_are_each_promoted_in_time(
    db: QueueDatabase, watching: Callable[..., Dispatcher]
) -> None:
    looks = watching()
    jobs = [db.enqueue(run_after=0.2 + n / 100) for n in range(30)]

    turns = 0
    while turns < 300 and db.row("select count(*) from pgqueue.jobs where status = 'queued'") != (
        len(jobs),
    ):
        looks.run_once()
        turns += 1

    # Of those that a promotion just missed none waits for the next poll, which is a minute away.
    assert turns < 300


@pytest.mark.own_session
@pytest.mark.parametrize(("age", "pause"), [("5 s", 60.0), ("2 h", 0.2)])
def test_a_job_that_is_put_in_as_due_is_promoted(
    db: QueueDatabase,
    watching: Callable[..., Dispatcher],
    monkeypatch: pytest.MonkeyPatch,
    age: str,
    pause: float,
) -> None:
    # What fell due within a minute is seen; the rest is looked for now and then.
    monkeypatch.setattr(dispatcher, "_PROMOTE_SECONDS", pause)
    looks = watching(poll_seconds=0.1)
    looks.run_once()
    job = db.enqueue()
    db.rows(
        "update pgqueue.jobs"
        " set status = 'scheduled', run_at = clock_timestamp() - %(age)s::interval",
        age=age,
    )

    turns = 0
    while db.job(job.id).status == "scheduled" and turns < 100:
        looks.run_once()
        turns += 1

    assert "queued" == db.job(job.id).status


@pytest.mark.own_session
def test_a_promotion_that_nothing_asked_for_comes_with_a_poll(
    watching: Callable[..., Dispatcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "_PROMOTE_SECONDS", 0.45)
    turns: list[list[str]] = []

    def noted(link: Link, statement: Statement[Any]) -> Any:
        turns[-1].append(statement.file)
        return run(link, statement)

    monkeypatch.setattr(dispatcher, "run", noted)
    monkeypatch.setattr("pgqueue.store.batched_statement.run", noted)
    looks = watching(poll_seconds=0.2)
    while len(promotions := [turn for turn in turns if "promote" in turn]) < 4 and len(turns) < 100:
        turns.append([])
        looks.run_once()

    assert ["find_cancel_requests"] * 4 == [turn[0] for turn in promotions]


@pytest.mark.own_session
@pytest.mark.parametrize(("supervisor_count", "guesses"), [(1, 1), (2, 0)])
def test_who_hears_a_notification_alone_wakes_somebody_before_the_look(
    db: QueueDatabase,
    watching: Callable[..., Dispatcher],
    supervisor_count: int,
    guesses: int,
) -> None:
    found: list[Ready] = []
    looks = watching(on_ready=lambda ready, wakes: found.append(ready))
    job = db.enqueue()
    looks.run_once()
    db.change(job.id, status="cancelled")
    looks.run_once()
    looks._pace.supervisor_count = supervisor_count

    db.rows("select pg_notify(%(channel)s, '')", channel=db.link.schema.channel)
    looks.run_once()

    assert [{("greenlet", False): ["default"]}] * (1 + guesses) == found


@pytest.mark.parametrize("is_woken", [True, False])
def test_while_looks_rest_workers_are_woken_for_what_was_found_last(
    db: QueueDatabase, watching: Callable[..., Dispatcher], is_woken: bool
) -> None:
    found: list[Ready] = []
    looks = watching(
        on_ready=lambda ready, wakes: found.append(ready),
        poll_seconds=60.0 if is_woken else 0.01,
    )
    looks._pace._rest_until = time.monotonic() + 60.0
    if is_woken:
        looks.run_once()
        found.clear()
        looks._is_woken = True

    looks.turn(looks.whole_link())

    assert [{("greenlet", False): ["default"]}] == found


def test_while_looks_rest_workers_of_every_kind_that_waits_are_woken(
    db: QueueDatabase, watching: Callable[..., Dispatcher]
) -> None:
    found: list[Ready] = []
    waiting = {WorkerKind("process"), WorkerKind("asyncio", True)}
    looks = watching(
        on_ready=lambda ready, wakes: found.append(ready), waiting_kinds=lambda: waiting
    )
    looks._pace._rest_until = time.monotonic() + 60.0

    looks.turn(looks.whole_link())

    assert [{kind: ["default"] for kind in {WorkerKind("greenlet"), *waiting}}] == found


def test_while_looks_rest_what_falls_due_is_promoted_at_the_next_poll(
    db: QueueDatabase, watching: Callable[..., Dispatcher]
) -> None:
    looks = watching(poll_seconds=0.01)
    looks.run_once()
    looks._pace._rest_until = time.monotonic() + 60.0
    db.enqueue(run_after=3600.0)
    db.rows("update pgqueue.jobs set run_at = clock_timestamp()")

    looks.run_once()
    looks.run_once()

    assert [("queued",)] == db.rows("select status::text from pgqueue.jobs")


@pytest.mark.own_session
def test_producers_are_told_whether_to_notify_before_the_look(
    db: QueueDatabase, watching: Callable[..., Dispatcher]
) -> None:
    told: list[tuple[bool, ...]] = []
    looks = watching(
        on_ready=lambda ready, wakes: told.append(
            db.row("select wants_notify from pgqueue.watches")
        )
    )
    db.enqueue()

    looks.run_once()
    looks._pace._hush(time.monotonic())
    looks.run_once()

    assert [(True,), (False,)] == told


@pytest.mark.own_session
def test_in_a_rush_nothing_is_looked_at_while_no_worker_waits(
    db: QueueDatabase, watching: Callable[..., Dispatcher]
) -> None:
    found: list[Ready] = []
    waiting: list[set[WorkerKind]] = []
    looks = watching(
        on_ready=lambda ready, wakes: found.append(ready), waiting_kinds=lambda: waiting[-1]
    )
    looks.run_once()
    looks._pace._hush(time.monotonic())
    db.enqueue()

    # One that waits for work of another kind is no reason.
    for kinds in (set(), {WorkerKind("process")}, {WorkerKind("process"), WorkerKind("greenlet")}):
        waiting.append(kinds)
        found.clear()
        looks._looked_at = time.monotonic()
        looks.run_once()

        assert [{("greenlet", False): ["default"]}] * (len(kinds) == 2) == found


@pytest.mark.own_session
def test_in_a_rush_that_nobody_waits_in_a_look_comes_each_tenth_of_a_second(
    db: QueueDatabase, watching: Callable[..., Dispatcher]
) -> None:
    found: list[Ready] = []
    looks = watching(on_ready=lambda ready, wakes: found.append(ready), waiting_kinds=set)
    looks.run_once()
    looks._pace._hush(time.monotonic())
    db.enqueue()

    looks._looked_at = time.monotonic() - 0.11
    looks.run_once()

    assert [{("greenlet", False): ["default"]}] == found


def _retried(db: QueueDatabase, queue: str) -> None:
    job = db.enqueue(queue=queue, run_after=60.0)
    db.rows("select pgqueue.retry(%(id)s)", id=job.id)


@pytest.mark.own_session
@pytest.mark.parametrize("wants", [True, False])
@pytest.mark.parametrize(
    "put",
    [
        lambda db, queue: db.enqueue(queue=queue),
        lambda db, queue: bulk_insert.insert(db.link, [NewJob("t", queue=queue)] * 2, 100),
        lambda db, queue: db.rows("select pgqueue.enqueue('t', queue => %(q)s)", q=queue),
        _retried,
    ],
    ids=["one", "many", "by SQL", "retried"],
)
def test_a_job_notifies_those_who_wait_for_its_queue_and_nobody_else(
    db: QueueDatabase,
    hears: Callable[[], int],
    put: Callable[[QueueDatabase, str], object],
    wants: bool,
) -> None:
    _watch(db.link, "mail/", "news", wants=wants)
    heard = {}
    for queue in ("news", "newsletter", "mail/out", "mail", "default"):
        put(db, queue)
        heard[queue] = hears()

    expected = {"news": 1, "newsletter": 0, "mail/out": 1, "mail": 0, "default": 0}
    assert {queue: count * wants for queue, count in expected.items()} == heard


@pytest.mark.own_session
def test_a_supervisor_that_says_nothing_more_is_notified_no_more(
    db: QueueDatabase, hears: Callable[[], int]
) -> None:
    supervisor_count = [_watch(db.link, "default", seconds=-1, supervisor=n) for n in (1, 2)]
    supervisor_count += [_watch(db.link, "other", supervisor=n) for n in (3, 4)]

    db.enqueue()

    assert [1, 1, 1, 2] == supervisor_count
    assert 0 == hears()


def test_who_is_long_gone_is_forgotten(db: QueueDatabase) -> None:
    _watch(db.link, "default", seconds=-700)

    _watch(db.link, "default", supervisor=2)

    assert [(2,)] == db.rows("select supervisor_id from pgqueue.watches")


@pytest.mark.own_session
def test_a_job_of_a_transaction_that_began_before_anybody_waited_is_found_within_a_poll(
    watching: Callable[..., Dispatcher], database_url: str
) -> None:
    found: list[float] = []
    looks = watching(poll_seconds=0.2, on_ready=lambda ready, wakes: found.append(time.monotonic()))
    with psycopg.connect(database_url) as producer:
        Client(database_url).enqueue("shop.work", connection=producer)
        for _ in range(3):
            looks.run_once()  # waits, and looks
        before = list(found)
    committed = time.monotonic()

    while not found and time.monotonic() < committed + 10:
        looks.run_once()

    assert [] == before
    assert found[0] - committed < 2
