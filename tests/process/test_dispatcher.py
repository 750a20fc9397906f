"""What one turn of the dispatcher does."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from dispatching import dispatchers
from manual_clock import ManualClock
from queue_database import QueueDatabase

from pgqueue.process import dispatcher as dispatcher_module
from pgqueue.process import promotion
from pgqueue.process.dispatcher import Dispatcher, Ready
from pgqueue.process.worker_pool import WorkerKind
from pgqueue.store import jobs
from pgqueue.store.connection.link import Link
from pgqueue.store.requests import Request
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
def make_dispatcher(database_url: str) -> Iterator[Callable[..., Dispatcher]]:
    """Makes dispatchers that are closed afterwards."""
    with dispatchers(database_url) as make:
        yield make


def _notify(db: QueueDatabase) -> None:
    db.rows("select pgqueue.notify(id, '') from pgqueue.supervisors")


def test_many_jobs_that_fall_due_at_once_delay_no_request(
    db: QueueDatabase, make_dispatcher: Callable[..., Dispatcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    running = db.claim_new()
    run(db.link, jobs.cancel(jobs.JobSelection([running.id])))
    due = [db.enqueue().id for _ in range(5)]
    db.rows(
        "update pgqueue.jobs set status = 'scheduled' where id = any(%(due)s) returning id", due=due
    )
    monkeypatch.setattr(promotion, "JOBS_MAX", 2)
    queued: list[int] = []

    def on_requests(requests: Sequence[Request]) -> None:
        assert [running.id] == [request.job_id for request in requests]
        queued.append(db.row("select count(*) from pgqueue.jobs where status = 'queued'")[0])

    dispatcher = make_dispatcher(
        supervisor_id=db.row("select supervisor_id from pgqueue.workers")[0],
        poll_seconds=0.0,
        on_requests=on_requests,
    )
    for _ in range(3):
        dispatcher.run_once()

    assert [2, 4, 5] == queued


def test_jobs_that_cannot_be_promoted_keep_no_other_from_being_run(
    db: QueueDatabase, make_dispatcher: Callable[..., Dispatcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    db.link.raw.execute(_REFUSES.encode())
    monkeypatch.setattr("pgqueue.store.batched_statement._SKIPPED_MAX", 0)
    db.change(db.enqueue("app.refused").id, status="scheduled")
    db.enqueue(queue="other")
    found: list[Ready] = []
    dispatcher = make_dispatcher(
        queues=["other"], poll_seconds=0.0, on_ready=lambda ready, count: found.append(ready)
    )

    for _ in range(3):
        dispatcher.run_once()

    assert [{("greenlet", False): ["other"]}] * 3 == found


@pytest.mark.own_session
def test_a_job_is_promoted_when_it_falls_due_and_not_at_the_next_poll(
    db: QueueDatabase, make_dispatcher: Callable[..., Dispatcher]
) -> None:
    job = db.enqueue(run_after=0.3)
    dispatcher = make_dispatcher()

    turns = 0
    while db.job(job.id).status == "scheduled" and turns < 100:
        dispatcher.run_once()
        turns += 1

    late = db.row("select extract(epoch from clock_timestamp() - run_at) from pgqueue.jobs")[0]
    assert "queued" == db.job(job.id).status
    assert 0 <= late < 5


@pytest.mark.own_session
def test_jobs_that_fall_due_one_after_the_other_are_each_promoted_in_time(
    db: QueueDatabase, make_dispatcher: Callable[..., Dispatcher]
) -> None:
    dispatcher = make_dispatcher()
    jobs = [db.enqueue(run_after=0.2 + n / 100) for n in range(30)]

    turns = 0
    while turns < 300 and db.row("select count(*) from pgqueue.jobs where status = 'queued'") != (
        len(jobs),
    ):
        dispatcher.run_once()
        turns += 1

    # No job that a promotion just missed waits for the next poll, which is a minute away.
    assert turns < 300


@pytest.mark.own_session
@pytest.mark.parametrize(("age", "pause"), [("5 s", 60.0), ("2 h", 0.2)])
def test_a_job_that_is_inserted_as_due_is_promoted(
    db: QueueDatabase,
    make_dispatcher: Callable[..., Dispatcher],
    monkeypatch: pytest.MonkeyPatch,
    age: str,
    pause: float,
) -> None:
    # A scan reports a job that fell due within a minute; a promotion now and then finds the rest.
    monkeypatch.setattr(promotion, "INTERVAL_SECONDS_MAX", pause)
    dispatcher = make_dispatcher(poll_seconds=0.1)
    dispatcher.run_once()
    job = db.enqueue()
    db.rows(
        "update pgqueue.jobs"
        " set status = 'scheduled', run_at = clock_timestamp() - %(age)s::interval",
        age=age,
    )

    turns = 0
    while db.job(job.id).status == "scheduled" and turns < 100:
        dispatcher.run_once()
        turns += 1

    assert "queued" == db.job(job.id).status


@pytest.mark.own_session
def test_a_promotion_without_a_report_comes_with_a_poll(
    make_dispatcher: Callable[..., Dispatcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promotion, "INTERVAL_SECONDS_MAX", 0.45)
    turns: list[list[str]] = []

    def recorded(link: Link, statement: Statement[Any]) -> Any:
        turns[-1].append(statement.file)
        return run(link, statement)

    def start_poll() -> None:
        turns[-1].append("poll")
        start()

    monkeypatch.setattr(dispatcher_module, "run", recorded)
    monkeypatch.setattr("pgqueue.store.batched_statement.run", recorded)
    dispatcher = make_dispatcher(poll_seconds=0.2)
    start = dispatcher.polling.start_poll
    monkeypatch.setattr(dispatcher.polling, "start_poll", start_poll)
    while len(promotions := [turn for turn in turns if "promote" in turn]) < 4 and len(turns) < 100:
        turns.append([])
        dispatcher.run_once()

    assert ["poll"] * 4 == [turn[0] for turn in promotions]


@pytest.mark.own_session
@pytest.mark.parametrize(("waits", "guesses"), [(True, 1), (False, 0)])
def test_a_notification_wakes_a_worker_that_waits_before_the_scan(
    db: QueueDatabase, make_dispatcher: Callable[..., Dispatcher], waits: bool, guesses: int
) -> None:
    found: list[Ready] = []
    dispatcher = make_dispatcher(
        on_ready=lambda ready, count: found.append(ready),
        waiting_kinds=lambda: {WorkerKind("greenlet")} if waits else set(),
    )
    job = db.enqueue()
    dispatcher.run_once()
    db.change(job.id, status="cancelled")
    dispatcher.run_once()

    _notify(db)
    dispatcher.run_once()

    assert [{("greenlet", False): ["default"]}] * (1 + guesses) == found


@pytest.mark.own_session
@pytest.mark.parametrize("is_woken", [True, False])
def test_while_scans_rest_workers_are_woken_for_the_queues_that_were_found_last(
    db: QueueDatabase, make_dispatcher: Callable[..., Dispatcher], is_woken: bool
) -> None:
    found: list[Ready] = []
    dispatcher = make_dispatcher(
        on_ready=lambda ready, count: found.append(ready),
        poll_seconds=60.0 if is_woken else 0.01,
    )
    dispatcher.polling.rest(60.0)
    if is_woken:
        # The first turn polls; the second waits long enough for the notification.
        dispatcher.run_once()
        for _ in range(8):
            dispatcher.polling.scanned(found=False, seconds=0.001)
        _notify(db)
        dispatcher.run_once()
        found.clear()

    dispatcher.turn(dispatcher.whole_link())

    assert [{("greenlet", False): ["default"]}] == found


def test_while_scans_rest_workers_of_every_waiting_kind_are_woken(
    db: QueueDatabase, make_dispatcher: Callable[..., Dispatcher]
) -> None:
    found: list[Ready] = []
    waiting = {WorkerKind("process"), WorkerKind("asyncio", True)}
    dispatcher = make_dispatcher(
        on_ready=lambda ready, count: found.append(ready), waiting_kinds=lambda: waiting
    )
    dispatcher.polling.rest(60.0)

    dispatcher.turn(dispatcher.whole_link())

    assert [{kind: ["default"] for kind in {WorkerKind("greenlet"), *waiting}}] == found


def test_while_scans_rest_jobs_that_fall_due_are_promoted_at_the_next_poll(
    db: QueueDatabase, make_dispatcher: Callable[..., Dispatcher]
) -> None:
    dispatcher = make_dispatcher(poll_seconds=0.01)
    dispatcher.run_once()
    dispatcher.polling.rest(60.0)
    db.enqueue(run_after=3600.0)
    db.rows("update pgqueue.jobs set run_at = clock_timestamp()")

    dispatcher.run_once()
    dispatcher.run_once()

    assert [("queued",)] == db.rows("select status::text from pgqueue.jobs")


@pytest.mark.own_session
def test_the_announcement_for_producers_comes_before_the_scan(
    db: QueueDatabase, make_dispatcher: Callable[..., Dispatcher]
) -> None:
    announced: list[tuple[bool, ...]] = []
    dispatcher = make_dispatcher(
        on_ready=lambda ready, count: announced.append(
            db.row("select wants_notify from pgqueue.supervisors")
        )
    )
    db.enqueue()

    dispatcher.run_once()
    dispatcher.polling.suppress()
    dispatcher.run_once()

    assert [(True,), (False,)] == announced


@pytest.mark.own_session
def test_a_storm_is_not_scanned_while_no_worker_waits(
    db: QueueDatabase, make_dispatcher: Callable[..., Dispatcher]
) -> None:
    found: list[Ready] = []
    waiting: list[set[WorkerKind]] = []
    dispatcher = make_dispatcher(
        on_ready=lambda ready, count: found.append(ready),
        waiting_kinds=lambda: waiting[-1],
        clock=ManualClock(),
    )
    dispatcher.run_once()
    dispatcher.polling.suppress()
    db.enqueue()

    # A worker that waits for jobs of another kind is no reason for a scan.
    for kinds in (set(), {WorkerKind("process")}, {WorkerKind("process"), WorkerKind("greenlet")}):
        waiting.append(kinds)
        found.clear()
        dispatcher.run_once()

        assert [{("greenlet", False): ["default"]}] * (len(kinds) == 2) == found


@pytest.mark.own_session
def test_a_storm_in_which_no_worker_waits_is_scanned_each_tenth_of_a_second(
    db: QueueDatabase, make_dispatcher: Callable[..., Dispatcher]
) -> None:
    found: list[Ready] = []
    clock = ManualClock()
    dispatcher = make_dispatcher(
        on_ready=lambda ready, count: found.append(ready), waiting_kinds=set, clock=clock
    )
    dispatcher.run_once()
    dispatcher.polling.suppress()
    db.enqueue()

    clock.advance(0.11)
    dispatcher.run_once()

    assert [{("greenlet", False): ["default"]}] == found
