"""Output or a settlement that the database refuses delays no other."""

import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from registering import listening_supervisor
from worker.harness import LIMITS, FinisherHarness

from pgqueue.client.client import Client
from pgqueue.core.events.event import listen
from pgqueue.core.events.jobs import AttemptEvent
from pgqueue.core.lifecycle import Outcome
from pgqueue.store.connection.link import Link
from pgqueue.store.database_errors import READ_ONLY_ERRORS
from pgqueue.store.statement import run
from pgqueue.worker import finisher as finisher_module
from pgqueue.worker import output_buffer
from pgqueue.worker.completion import Completion
from pgqueue.worker.outcomes import never_started


@pytest.fixture
def harness(database_url: str, link: Link, client: Client) -> Iterator[FinisherHarness]:
    harness = FinisherHarness(database_url, link, client)
    yield harness
    harness.finisher.close()


def test_a_line_that_is_refused_delays_no_other(harness: FinisherHarness, client: Client) -> None:
    for attempt, text in zip(harness.attempts, ["good", "b\0d", "fine"], strict=True):
        harness.log(attempt, text, 1)
    harness.turn()

    messages = [[line.message for line in client.logs(job_id)] for job_id in harness.ids]
    assert [["good"], [], ["fine"]] == messages


def test_progress_that_is_refused_delays_no_other(harness: FinisherHarness, client: Client) -> None:
    for attempt, text in zip(harness.attempts, ["good", "b\0d", "fine"], strict=True):
        harness.finisher.output.add_progress(attempt, 0.5, text)
    harness.turn()

    messages = [client.job(job_id).progress_message for job_id in harness.ids]
    assert ["good", None, "fine"] == messages


def test_a_result_that_is_refused_delays_no_other_and_costs_no_success(
    harness: FinisherHarness, client: Client
) -> None:
    for attempt, result in zip(harness.attempts, ["1", '"b\\u0000d"', "3"], strict=True):
        harness.settle([attempt], Outcome.SUCCEEDED, result=result)

    jobs = [client.job(job_id) for job_id in harness.ids]
    assert [("succeeded", 1), ("succeeded", None), ("succeeded", 3)] == [
        (job.status, job.result) for job in jobs
    ]
    assert ["SettlementRefused"] == [a.error_type for a in client.attempts(harness.ids[1])]


@pytest.mark.own_session
def test_a_server_that_takes_no_writes_costs_no_line(
    harness: FinisherHarness, client: Client
) -> None:
    harness.log(harness.attempts[0], "logged before a fail-over")
    harness.finisher.whole_link().raw.execute("set default_transaction_read_only = on")

    with pytest.raises(READ_ONLY_ERRORS):
        harness.turn()
    harness.finisher.close()
    harness.turn()

    assert ["logged before a fail-over"] == [line.message for line in client.logs(harness.ids[0])]


def test_an_attempt_that_a_constraint_refuses_costs_no_success(
    harness: FinisherHarness, client: Client, link: Link
) -> None:
    link.raw.execute(
        "alter table pgqueue.attempts add constraint ours"
        f" check (job_id <> {harness.ids[1]} or outcome = 'failed')"
    )

    harness.settle(harness.attempts, Outcome.SUCCEEDED)

    jobs = [client.job(attempt.claimed.id) for attempt in harness.attempts]
    assert ["succeeded"] * 3 == [job.status for job in jobs]
    assert [1, 0, 1] == [len(client.attempts(job.id)) for job in jobs]
    assert harness.finisher.is_idle


def test_a_settlement_that_is_refused_in_every_form_is_recorded_when_it_can_be(
    harness: FinisherHarness,
    client: Client,
    link: Link,
) -> None:
    link.raw.execute(
        "create function pgqueue.refuse() returns trigger language plpgsql as "
        "$$ begin raise exception 'not while the test reads it'; end $$"
    )
    link.raw.execute(
        "create trigger ours before update on pgqueue.jobs for each row"
        f" when (old.id = {harness.ids[1]}) execute function pgqueue.refuse()"
    )

    harness.settle(harness.attempts, Outcome.SUCCEEDED)
    assert ["succeeded", "running", "succeeded"] == [
        client.job(job_id).status for job_id in harness.ids
    ]
    assert not harness.finisher.is_idle

    link.raw.execute("drop trigger ours on pgqueue.jobs")
    harness.clock.advance(10.0)
    harness.turn()
    assert "succeeded" == client.job(harness.ids[1]).status
    assert harness.finisher.is_idle


@pytest.mark.own_session
def test_a_success_that_took_too_long_to_record_is_recorded_as_a_success(
    harness: FinisherHarness, client: Client, link: Link
) -> None:
    link.raw.execute(
        "create function pgqueue.dawdle() returns trigger language plpgsql as "
        "$$ begin perform pg_catalog.pg_sleep(60); return new; end $$"
    )
    link.raw.execute(
        "create trigger ours before update on pgqueue.jobs for each row"
        f" when (old.id = {harness.ids[1]}) execute function pgqueue.dawdle()"
    )
    harness.finisher.whole_link().raw.execute("set statement_timeout = '200ms'")

    harness.settle(harness.attempts, Outcome.SUCCEEDED)
    assert ["succeeded", "running", "succeeded"] == [
        client.job(job_id).status for job_id in harness.ids
    ]

    link.raw.execute("drop trigger ours on pgqueue.jobs")
    harness.finisher.stop()
    harness.turn()
    assert "succeeded" == client.job(harness.ids[1]).status


def test_a_stop_ends_the_wait_for_a_lock_and_tries_once_more(
    harness: FinisherHarness,
    client: Client,
    link: Link,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job_id = harness.ids[0]
    locked = f"select from pgqueue.jobs where id = {job_id} for update"
    with link.raw.transaction():
        link.raw.execute(locked)
        monkeypatch.setattr(finisher_module, "_LOCKED_SECONDS_MAX", 60.0)
        monkeypatch.setattr(finisher_module, "_LOCKED_SECONDS", 60.0)
        harness.settle(harness.attempts[:1], Outcome.SUCCEEDED)
    has_turned = threading.Event()
    harness.finisher.on_turn = has_turned.set

    harness.finisher.start()
    assert has_turned.wait(30.0)
    harness.finisher.stop(timeout=20.0)

    assert harness.finisher.name not in [thread.name for thread in threading.enumerate()]
    assert "succeeded" == client.job(job_id).status


@pytest.fixture
def another(database_url: str) -> Iterator["psycopg.Connection[Any]"]:
    """An application's own connection."""
    with psycopg.connect(database_url) as connection:
        yield connection


def test_a_reference_that_is_not_committed_delays_the_deletion_of_its_job_and_no_other(
    harness: FinisherHarness,
    client: Client,
    link: Link,
    another: "psycopg.Connection[Any]",
) -> None:
    link.raw.execute("update pgqueue.jobs set keep_seconds = 0")
    link.raw.execute(
        "create table public.orders (job_id bigint references pgqueue.jobs on delete cascade)"
    )
    ids = harness.ids
    another.execute("insert into public.orders (job_id) values (%s)", [ids[0]])
    harness.finisher.whole_link().raw.execute("set lock_timeout = '1s'")

    harness.settle(harness.attempts, Outcome.SUCCEEDED)
    meanwhile = [job.id for job in client.jobs()]
    another.commit()
    harness.finisher.stop()
    harness.turn()

    assert [ids[0]] == meanwhile
    assert [] == client.jobs()


@pytest.mark.parametrize("is_committed", [True, False])
def test_a_line_logged_after_a_completion_is_deleted_with_a_job_that_is_not_kept(
    harness: FinisherHarness,
    client: Client,
    link: Link,
    another: "psycopg.Connection[Any]",
    is_committed: bool,
) -> None:
    link.raw.execute("update pgqueue.jobs set keep_seconds = 0")
    completing = harness.attempts[0]
    Completion(harness.finisher.output, LIMITS, link.schema).complete(completing, another, None)
    harness.log(completing, "still here", 1)
    harness.turn()
    early = link.fetch("select message from pgqueue.logs", {})
    (another.commit if is_committed else another.rollback)()
    harness.settle([completing], Outcome.FAILED)

    assert [] == early
    assert ([] if is_committed else [("still here",)]) == link.fetch(
        "select message from pgqueue.logs", {}
    )


def test_no_line_is_written_of_a_job_that_is_about_to_be_deleted(
    harness: FinisherHarness,
    link: Link,
    another: "psycopg.Connection[Any]",
) -> None:
    # Logged before it completed itself, and written while it did.
    link.raw.execute("update pgqueue.jobs set keep_seconds = 0")
    Completion(harness.finisher.output, LIMITS, link.schema).complete(
        harness.attempts[0], another, None
    )
    harness.attempts[0].is_completed = False
    for attempt in harness.attempts[:2]:
        harness.log(attempt, "late", 1)
    harness.turn()
    another.commit()

    assert [(harness.ids[1],)] == link.fetch("select job_id from pgqueue.logs", {})


def test_an_attempt_whose_row_exists_already_is_settled_all_the_same(
    harness: FinisherHarness, client: Client, link: Link
) -> None:
    link.raw.execute(
        "insert into pgqueue.attempts (job_id, attempt, outcome) values (%s, 1, 'lost')",
        [harness.ids[1]],
    )

    harness.settle(harness.attempts, Outcome.SUCCEEDED)

    assert ["succeeded"] * 3 == [client.job(job_id).status for job_id in harness.ids]
    assert ["lost"] == [attempt.outcome for attempt in client.attempts(harness.ids[1])]


def test_lines_are_written_once_when_the_answer_to_them_is_lost(
    harness: FinisherHarness,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number, text in enumerate(["first", "second"], 1):
        harness.log(harness.attempts[0], text, number)

    def lose_the_answer(link: Link, statement: Any) -> None:
        run(link, statement)
        link.close()
        raise psycopg.OperationalError("the connection broke before the answer")

    with monkeypatch.context() as broken:
        broken.setattr(output_buffer, "run", lose_the_answer)
        with pytest.raises(psycopg.OperationalError):
            harness.turn()
    harness.log(harness.attempts[0], "third", 3)
    harness.turn()

    written = [line.message for line in client.logs(harness.ids[0])]
    assert ["first", "second", "third"] == written


def test_a_settlement_emits_its_event_and_is_counted(harness: FinisherHarness) -> None:
    events: list[AttemptEvent] = []
    stop_listening = listen("job.*", events.append)
    for attempt in harness.attempts:
        harness.in_flight.start(attempt)
    harness.clock.advance(2.5)

    harness.settle(harness.attempts[:1], Outcome.SUCCEEDED)
    harness.settle(harness.attempts[1:2], Outcome.FAILED, error_type="E", retryable=False)
    harness.settle(harness.attempts[2:], Outcome.SNOOZED, delay_seconds=60.0)
    stop_listening()

    assert [
        ("job.succeeded", harness.ids[0], 2.5, None),
        ("job.failed", harness.ids[1], 2.5, "E"),
        ("job.snoozed", harness.ids[2], 2.5, None),
    ] == [(event.NAME, event.job_id, event.run_seconds, event.error_type) for event in events]
    assert {("shop.f", "default")} == {(event.task, event.queue) for event in events}
    assert (1, 1) == (harness.counters.succeeded, harness.counters.failed)


def test_a_listener_that_exits_keeps_no_attempt_of_its_batch_in_flight(
    harness: FinisherHarness, client: Client
) -> None:
    in_flight_counts: list[int] = []

    def leave(event: AttemptEvent) -> None:
        in_flight_counts.append(len(harness.in_flight))
        raise SystemExit("the listener exits")

    stop_listening = listen("job.succeeded", leave)
    for attempt in harness.attempts:
        harness.in_flight.add_unstartable(attempt)

    harness.settle(harness.attempts, Outcome.SUCCEEDED)
    stop_listening()

    assert ["succeeded"] * 3 == [client.job(job_id).status for job_id in harness.ids]
    assert [0, 0, 0] == in_flight_counts
    assert harness.finisher.is_idle


@pytest.mark.parametrize("is_committed", [True, False])
def test_a_completion_is_a_success_when_its_transaction_has_committed(
    harness: FinisherHarness,
    link: Link,
    another: "psycopg.Connection[Any]",
    is_committed: bool,
) -> None:
    events: list[AttemptEvent] = []
    stop_listening = listen("job.*", events.append)
    [attempt] = harness.attempts[:1]
    harness.in_flight.start(attempt)
    Completion(harness.finisher.output, LIMITS, link.schema).complete(attempt, another, None)
    (another.commit if is_committed else another.rollback)()

    harness.settle([attempt], Outcome.FAILED, error_type="CompletionRolledBack", retryable=False)
    stop_listening()

    expected = ("job.succeeded", None) if is_committed else ("job.failed", "CompletionRolledBack")
    assert [expected] == [(event.NAME, event.error_type) for event in events]
    assert (is_committed, not is_committed) == (
        harness.counters.succeeded, harness.counters.failed,
    )  # fmt: skip


def test_a_completion_of_a_job_that_is_not_kept_is_a_success(
    harness: FinisherHarness, link: Link, another: "psycopg.Connection[Any]"
) -> None:
    link.raw.execute("update pgqueue.jobs set keep_seconds = 0")
    events: list[AttemptEvent] = []
    stop_listening = listen("job.*", events.append)
    [attempt] = harness.attempts[:1]
    Completion(harness.finisher.output, LIMITS, link.schema).complete(attempt, another, None)
    another.commit()

    harness.settle([attempt], Outcome.FAILED)
    stop_listening()

    assert ["job.succeeded"] == [event.NAME for event in events]
    assert 1 == harness.counters.succeeded


@pytest.mark.parametrize("later", ["running elsewhere", "queued again", "succeeded later"])
def test_a_completion_that_was_rolled_back_after_its_lease_was_lost_is_no_success(
    harness: FinisherHarness, link: Link, another: "psycopg.Connection[Any]", later: str
) -> None:
    events: list[AttemptEvent] = []
    stop_listening = listen("job.*", events.append)
    [attempt] = harness.attempts[:1]
    Completion(harness.finisher.output, LIMITS, link.schema).complete(attempt, another, None)
    another.rollback()
    change = {
        "running elsewhere": "attempt = 2, worker_id = 99",
        "queued again": "status = 'queued', worker_id = null",
        "succeeded later": "attempt = 2, status = 'succeeded', finished_at = now()",
    }[later]
    link.raw.execute(f"update pgqueue.jobs set {change} where id = {attempt.claimed.id}".encode())
    link.raw.execute(
        "insert into pgqueue.attempts (job_id, attempt, outcome) values (%s, 1, 'lost')",
        [attempt.claimed.id],
    )

    harness.settle([attempt], Outcome.FAILED)
    stop_listening()

    assert [] == events
    assert (0, 0) == (harness.counters.succeeded, harness.counters.failed)


def test_no_statement_checks_a_completion_where_nobody_listens(
    harness: FinisherHarness,
    link: Link,
    another: "psycopg.Connection[Any]",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [attempt] = harness.attempts[:1]
    Completion(harness.finisher.output, LIMITS, link.schema).complete(attempt, another, None)
    another.commit()
    monkeypatch.setattr(finisher_module, "find_completed", lambda keys: pytest.fail("it checks"))

    harness.settle([attempt], Outcome.FAILED)

    assert harness.finisher.is_idle


def test_a_job_that_waited_in_vain_wakes_the_other_workers_when_it_is_queued_again(
    harness: FinisherHarness, link: Link, client: Client
) -> None:
    link.listen(listening_supervisor(link, "default"))
    interrupted, returned, _ = harness.attempts
    harness.settle([interrupted], Outcome.INTERRUPTED)
    before = link.notifications(timeout=0.0)

    harness.finisher.put(returned, never_started(returned, reason="no slot"), wakes_others=True)
    harness.turn()

    assert "queued" == client.job(returned.claimed.id).status
    assert set() == before
    assert {""} == link.notifications(timeout=5.0)
