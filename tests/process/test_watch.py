"""What one turn of the watch does."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import takewhile
from typing import Any

import psycopg
import pytest
from psycopg import sql
from room import Room

from pgqueue.client.client import Client
from pgqueue.core.new_job import NewJob
from pgqueue.process import watch
from pgqueue.process.crew import Kind
from pgqueue.process.watch import Ready, Watch
from pgqueue.store import bulk, processes
from pgqueue.store.connect import Database, Link
from pgqueue.store.processes import Cancelling
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
def room(link: Link) -> Room:
    return Room(link)


@pytest.fixture
def watching(database_url: str) -> Iterator[Callable[..., Watch]]:
    """Makes watches that are closed afterwards."""
    with ExitStack() as open_:

        def make(**options: Any) -> Watch:
            given = {
                "supervisor_id": 1,
                "queues": ["default"],
                "poll_seconds": 60.0,
                "on_ready": lambda ready, wakes: None,
                "on_cancelling": lambda asked: None,
                **options,
            }
            made = Watch(Database(database_url), **given)
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
    return run(link, processes.watch(supervisor, queues, wants_notify=wants, seconds=seconds))


def test_many_jobs_that_fall_due_at_once_hold_up_no_cancellation(
    room: Room, watching: Callable[..., Watch], monkeypatch: pytest.MonkeyPatch
) -> None:
    held = room.hold()
    room.change(held.id, cancel_requested_at="2020-01-01")
    due = [room.enqueue().id for _ in range(5)]
    room.rows(
        "update pgqueue.jobs set status = 'scheduled' where id = any(%(due)s) returning id", due=due
    )
    monkeypatch.setattr(watch, "_PROMOTED_MAX", 2)
    queued: list[int] = []

    def on_cancelling(asked: Sequence[Cancelling]) -> None:
        assert [held.id] == [each.id for each in asked]
        queued.append(room.row("select count(*) from pgqueue.jobs where status = 'queued'")[0])

    looks = watching(
        supervisor_id=room.row("select supervisor_id from pgqueue.workers")[0],
        poll_seconds=0.0,
        on_cancelling=on_cancelling,
    )
    for _ in range(3):
        looks.run_once()

    assert [0, 2, 4] == queued


def test_jobs_that_cannot_be_promoted_keep_no_other_from_being_run(
    room: Room, watching: Callable[..., Watch], monkeypatch: pytest.MonkeyPatch
) -> None:
    room.link.raw.execute(_REFUSES.encode())
    monkeypatch.setattr("pgqueue.store.rounds._REFUSED_MAX", 0)
    room.change(room.enqueue("app.refused").id, status="scheduled")
    room.enqueue(queue="other")
    found: list[Ready] = []
    looks = watching(
        queues=["other"], poll_seconds=0.0, on_ready=lambda ready, wakes: found.append(ready)
    )

    for _ in range(3):
        looks.run_once()

    assert [{("greenlet", False): ["other"]}] * 3 == found


@pytest.mark.own_session
def test_a_job_is_promoted_when_it_falls_due_and_not_at_the_next_poll(
    room: Room, watching: Callable[..., Watch]
) -> None:
    job = room.enqueue(run_after=0.3)
    looks = watching()

    turns = 0
    while room.job(job.id).status == "scheduled" and turns < 100:
        looks.run_once()
        turns += 1

    late = room.row("select extract(epoch from clock_timestamp() - run_at) from pgqueue.jobs")[0]
    assert "queued" == room.job(job.id).status
    assert 0 <= late < 5


@pytest.mark.own_session
def test_jobs_that_fall_due_one_after_the_other_are_each_promoted_in_time(
    room: Room, watching: Callable[..., Watch]
) -> None:
    looks = watching()
    jobs = [room.enqueue(run_after=0.2 + n / 100) for n in range(30)]

    turns = 0
    while turns < 300 and room.row("select count(*) from pgqueue.jobs where status = 'queued'") != (
        len(jobs),
    ):
        looks.run_once()
        turns += 1

    # Of those that a promotion just missed none waits for the next poll, which is a minute away.
    assert turns < 300


@pytest.mark.own_session
@pytest.mark.parametrize(("age", "pause"), [("5 s", 60.0), ("2 h", 0.2)])
def test_a_job_that_is_put_in_as_due_is_promoted(
    room: Room,
    watching: Callable[..., Watch],
    monkeypatch: pytest.MonkeyPatch,
    age: str,
    pause: float,
) -> None:
    # What fell due within a minute is seen; the rest is looked for now and then.
    monkeypatch.setattr(watch, "_PROMOTE_SECONDS", pause)
    looks = watching(poll_seconds=0.1)
    looks.run_once()
    job = room.enqueue()
    room.rows(
        "update pgqueue.jobs"
        " set status = 'scheduled', run_at = clock_timestamp() - %(age)s::interval",
        age=age,
    )

    turns = 0
    while room.job(job.id).status == "scheduled" and turns < 100:
        looks.run_once()
        turns += 1

    assert "queued" == room.job(job.id).status


@pytest.mark.own_session
def test_a_promotion_that_nothing_asked_for_comes_with_a_poll(
    watching: Callable[..., Watch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_PROMOTE_SECONDS", 0.45)
    turns: list[list[str]] = []

    def noted(link: Link, statement: Statement[Any]) -> Any:
        turns[-1].append(statement.file)
        return run(link, statement)

    monkeypatch.setattr(watch, "run", noted)
    monkeypatch.setattr("pgqueue.store.rounds.run", noted)
    looks = watching(poll_seconds=0.2)
    while len(promotions := [turn for turn in turns if "promote" in turn]) < 4 and len(turns) < 100:
        turns.append([])
        looks.run_once()

    assert ["cancelling"] * 4 == [turn[0] for turn in promotions]


@pytest.mark.own_session
@pytest.mark.parametrize(("watchers", "guesses"), [(1, 1), (2, 0)])
def test_who_hears_a_notification_alone_wakes_somebody_before_the_look(
    room: Room, watching: Callable[..., Watch], watchers: int, guesses: int
) -> None:
    found: list[Ready] = []
    looks = watching(on_ready=lambda ready, wakes: found.append(ready))
    job = room.enqueue()
    looks.run_once()
    room.change(job.id, status="cancelled")
    looks.run_once()
    looks._pace.watchers = watchers

    room.rows("select pg_notify(%(channel)s, '')", channel=room.link.schema.channel)
    looks.run_once()

    assert [{("greenlet", False): ["default"]}] * (1 + guesses) == found


@pytest.mark.parametrize("is_woken", [True, False])
def test_while_looks_rest_workers_are_woken_for_what_was_found_last(
    room: Room, watching: Callable[..., Watch], is_woken: bool
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
    room: Room, watching: Callable[..., Watch]
) -> None:
    found: list[Ready] = []
    waiting = {Kind("process"), Kind("asyncio", True)}
    looks = watching(
        on_ready=lambda ready, wakes: found.append(ready), waiting_kinds=lambda: waiting
    )
    looks._pace._rest_until = time.monotonic() + 60.0

    looks.turn(looks.whole_link())

    assert [{kind: ["default"] for kind in {Kind("greenlet"), *waiting}}] == found


def test_while_looks_rest_what_falls_due_is_promoted_at_the_next_poll(
    room: Room, watching: Callable[..., Watch]
) -> None:
    looks = watching(poll_seconds=0.01)
    looks.run_once()
    looks._pace._rest_until = time.monotonic() + 60.0
    room.enqueue(run_after=3600.0)
    room.rows("update pgqueue.jobs set run_at = clock_timestamp()")

    looks.run_once()
    looks.run_once()

    assert [("queued",)] == room.rows("select status::text from pgqueue.jobs")


@pytest.mark.own_session
def test_producers_are_told_whether_to_notify_before_the_look(
    room: Room, watching: Callable[..., Watch]
) -> None:
    told: list[tuple[bool, ...]] = []
    looks = watching(
        on_ready=lambda ready, wakes: told.append(
            room.row("select wants_notify from pgqueue.watches")
        )
    )
    room.enqueue()

    looks.run_once()
    looks._pace._hush(time.monotonic())
    looks.run_once()

    assert [(True,), (False,)] == told


@pytest.mark.own_session
def test_in_a_rush_nothing_is_looked_at_while_no_worker_waits(
    room: Room, watching: Callable[..., Watch]
) -> None:
    found: list[Ready] = []
    waiting: list[set[Kind]] = []
    looks = watching(
        on_ready=lambda ready, wakes: found.append(ready), waiting_kinds=lambda: waiting[-1]
    )
    looks.run_once()
    looks._pace._hush(time.monotonic())
    room.enqueue()

    # One that waits for work of another kind is no reason.
    for kinds in (set(), {Kind("process")}, {Kind("process"), Kind("greenlet")}):
        waiting.append(kinds)
        found.clear()
        looks._looked_at = time.monotonic()
        looks.run_once()

        assert [{("greenlet", False): ["default"]}] * (len(kinds) == 2) == found


@pytest.mark.own_session
def test_in_a_rush_that_nobody_waits_in_a_look_comes_each_tenth_of_a_second(
    room: Room, watching: Callable[..., Watch]
) -> None:
    found: list[Ready] = []
    looks = watching(on_ready=lambda ready, wakes: found.append(ready), waiting_kinds=set)
    looks.run_once()
    looks._pace._hush(time.monotonic())
    room.enqueue()

    looks._looked_at = time.monotonic() - 0.11
    looks.run_once()

    assert [{("greenlet", False): ["default"]}] == found


def _retried(room: Room, queue: str) -> None:
    job = room.enqueue(queue=queue, run_after=60.0)
    room.rows("select pgqueue.retry(%(id)s)", id=job.id)


@pytest.mark.own_session
@pytest.mark.parametrize("wants", [True, False])
@pytest.mark.parametrize(
    "put",
    [
        lambda room, queue: room.enqueue(queue=queue),
        lambda room, queue: bulk.insert(room.link, [NewJob("t", queue=queue)] * 2, 100),
        lambda room, queue: room.rows("select pgqueue.enqueue('t', queue => %(q)s)", q=queue),
        _retried,
    ],
    ids=["one", "many", "by SQL", "retried"],
)
def test_a_job_notifies_those_who_wait_for_its_queue_and_nobody_else(
    room: Room, hears: Callable[[], int], put: Callable[[Room, str], object], wants: bool
) -> None:
    _watch(room.link, "mail/", "news", wants=wants)
    heard = {}
    for queue in ("news", "newsletter", "mail/out", "mail", "default"):
        put(room, queue)
        heard[queue] = hears()

    expected = {"news": 1, "newsletter": 0, "mail/out": 1, "mail": 0, "default": 0}
    assert {queue: count * wants for queue, count in expected.items()} == heard


@pytest.mark.own_session
def test_a_supervisor_that_says_nothing_more_is_notified_no_more(
    room: Room, hears: Callable[[], int]
) -> None:
    watchers = [_watch(room.link, "default", seconds=-1, supervisor=n) for n in (1, 2)]
    watchers += [_watch(room.link, "other", supervisor=n) for n in (3, 4)]

    room.enqueue()

    assert [1, 1, 1, 2] == watchers
    assert 0 == hears()


def test_who_is_long_gone_is_forgotten(room: Room) -> None:
    _watch(room.link, "default", seconds=-700)

    _watch(room.link, "default", supervisor=2)

    assert [(2,)] == room.rows("select supervisor_id from pgqueue.watches")


@pytest.mark.own_session
def test_a_job_of_a_transaction_that_began_before_anybody_waited_is_found_within_a_poll(
    watching: Callable[..., Watch], database_url: str
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
