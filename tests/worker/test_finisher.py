"""One note or end that the database refuses holds up no other."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import claiming
import psycopg
import pytest

from pgqueue import task
from pgqueue.client.client import Client
from pgqueue.core.lifecycle import Outcome
from pgqueue.process.scoreboard import Scoreboard
from pgqueue.store import workers
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.database_errors import READ_ONLY_ERRORS
from pgqueue.store.settlements import Settlement
from pgqueue.store.statement import run
from pgqueue.worker import finisher as finisher_module
from pgqueue.worker import outcomes, output_buffer
from pgqueue.worker.completion import Completion
from pgqueue.worker.finisher import Finisher
from pgqueue.worker.in_flight import ActiveAttempt, InFlight

LIMITS = outcomes.Limits(1_000_000, 65_536)


@task(name="shop.noted")
def _noted() -> None: ...


@pytest.fixture
def attempt(client: Client, link: Link) -> list[ActiveAttempt]:
    """Three attempts in the hand of one worker."""
    for _ in range(3):
        client.enqueue("shop.noted")
    worker_id = run(
        link,
        workers.register_worker(
            supervisor_id=1,
            executor="greenlet",
            slots=5,
            host="here",
            queues=["default"],
            lease_seconds=60,
        ),
    )
    claimed = run(
        link,
        claiming.claim(
            worker_id=worker_id,
            executor="greenlet",
            queues=["default"],
            unknown_tasks=[],
            jobs_max=5,
            slots_free=5,
        ),
    )
    return [ActiveAttempt(each, _noted, time.monotonic()) for each in claimed]


@pytest.fixture
def finisher(database_url: str) -> Iterator[Finisher]:
    """A finisher without its worker."""
    made = Finisher(
        Database(database_url),
        InFlight(slots=5, prefetch_max=0, settling_max=100, scoreboard=Scoreboard(100)),
        worker_id=1,
        on_refused=lambda attempt, error: outcomes.unstorable(attempt, error, LIMITS),
    )
    yield made
    made.close()


def test_a_line_that_is_refused_holds_up_no_other(
    attempt: list[ActiveAttempt], finisher: Finisher, client: Client
) -> None:
    for each, text in zip(attempt, ["good", "b\0d", "fine"], strict=True):
        finisher.output.add_line((each, time.monotonic(), "INFO", "shop", text, 1))
    finisher.run_once()

    messages = [[line.message for line in client.logs(each.claimed.id)] for each in attempt]
    assert [["good"], [], ["fine"]] == messages


def test_progress_that_is_refused_holds_up_no_other(
    attempt: list[ActiveAttempt], finisher: Finisher, client: Client
) -> None:
    for each, text in zip(attempt, ["good", "b\0d", "fine"], strict=True):
        finisher.output.add_progress(each, 0.5, text)
    finisher.run_once()

    told = [client.job(each.claimed.id).progress_message for each in attempt]
    assert ["good", None, "fine"] == told


def test_an_end_that_is_refused_holds_up_no_other_and_is_told(
    attempt: list[ActiveAttempt], finisher: Finisher, client: Client
) -> None:
    for each, text in zip(attempt, ["1", '"b\\u0000d"', "3"], strict=True):
        claimed = each.claimed
        ended = Settlement(claimed.id, claimed.attempt, claimed.worker_id, Outcome.SUCCEEDED)
        ended.result = text
        finisher.put(each, ended)
    finisher.run_once()

    jobs = [client.job(each.claimed.id) for each in attempt]
    assert [("succeeded", 1), ("failed", None), ("succeeded", 3)] == [
        (job.status, job.result) for job in jobs
    ]
    assert "UnstorableValue" in (jobs[1].error or "")


@pytest.mark.own_session
def test_a_server_that_takes_no_writes_costs_no_line(
    attempt: list[ActiveAttempt], finisher: Finisher, client: Client
) -> None:
    finisher.output.add_line(
        (attempt[0], time.monotonic(), "INFO", "shop", "said before a fail-over", 1)
    )
    finisher.whole_link().raw.execute("set default_transaction_read_only = on")

    with pytest.raises(READ_ONLY_ERRORS):
        finisher.run_once()
    finisher.close()
    finisher.run_once()

    assert ["said before a fail-over"] == [
        line.message for line in client.logs(attempt[0].claimed.id)
    ]


def _end(finisher: Finisher, attempt: list[ActiveAttempt], outcome: Outcome) -> None:
    for each in attempt:
        claimed = each.claimed
        token = (claimed.id, claimed.attempt, claimed.worker_id)
        finisher.put(each, Settlement(*token, outcome, waited_seconds=0.0))
    finisher.run_once()


def test_an_end_that_a_constraint_refuses_is_told_in_other_words(
    attempt: list[ActiveAttempt], finisher: Finisher, client: Client, link: Link
) -> None:
    link.raw.execute(
        "alter table pgqueue.attempts add constraint ours"
        f" check (job_id <> {attempt[1].claimed.id} or outcome = 'failed')"
    )

    _end(finisher, attempt, Outcome.SUCCEEDED)

    jobs = [client.job(each.claimed.id) for each in attempt]
    assert ["succeeded", "failed", "succeeded"] == [job.status for job in jobs]
    assert "ours" in (jobs[1].error or "")
    assert finisher.is_idle


def test_an_end_that_is_refused_in_every_form_waits_and_is_settled_when_it_can_be(
    attempt: list[ActiveAttempt],
    finisher: Finisher,
    client: Client,
    link: Link,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    link.raw.execute(
        "create function pgqueue.refuse() returns trigger language plpgsql as "
        "$$ begin raise exception 'not while we look at it'; end $$"
    )
    link.raw.execute(
        "create trigger ours before update on pgqueue.jobs for each row"
        f" when (old.id = {attempt[1].claimed.id}) execute function pgqueue.refuse()"
    )
    monkeypatch.setattr(finisher_module, "_REFUSED_SECONDS", 0.0)

    _end(finisher, attempt, Outcome.SUCCEEDED)
    assert ["succeeded", "running", "succeeded"] == [
        client.job(each.claimed.id).status for each in attempt
    ]
    assert not finisher.is_idle

    link.raw.execute("drop trigger ours on pgqueue.jobs")
    finisher.run_once()
    assert "not while we look at it" in (client.job(attempt[1].claimed.id).error or "")
    assert finisher.is_idle


@pytest.mark.own_session
def test_a_success_that_took_too_long_to_settle_is_settled_as_a_success(
    attempt: list[ActiveAttempt], finisher: Finisher, client: Client, link: Link
) -> None:
    link.raw.execute(
        "create function pgqueue.dawdle() returns trigger language plpgsql as "
        "$$ begin perform pg_catalog.pg_sleep(60); return new; end $$"
    )
    link.raw.execute(
        "create trigger ours before update on pgqueue.jobs for each row"
        f" when (old.id = {attempt[1].claimed.id}) execute function pgqueue.dawdle()"
    )
    finisher.whole_link().raw.execute("set statement_timeout = '200ms'")

    _end(finisher, attempt, Outcome.SUCCEEDED)
    assert ["succeeded", "running", "succeeded"] == [
        client.job(each.claimed.id).status for each in attempt
    ]

    link.raw.execute("drop trigger ours on pgqueue.jobs")
    finisher.stop()
    finisher.run_once()
    assert "succeeded" == client.job(attempt[1].claimed.id).status


def test_a_stop_ends_the_wait_of_a_finisher_that_tries_once_more_what_was_put_off(
    attempt: list[ActiveAttempt],
    finisher: Finisher,
    client: Client,
    link: Link,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job_id = attempt[0].claimed.id
    locked = f"select from pgqueue.jobs where id = {job_id} for update"
    with link.raw.transaction():
        link.raw.execute(locked)
        monkeypatch.setattr(finisher_module, "_LOCKED_SECONDS_MAX", 60.0)
        monkeypatch.setattr(finisher_module, "_LOCKED_SECONDS", 60.0)
        _end(finisher, attempt[:1], Outcome.SUCCEEDED)
    turns = threading.Event()
    wait = finisher._wait
    monkeypatch.setattr(finisher, "_wait", lambda: (turns.set(), wait())[1])

    finisher.start()
    assert turns.wait(30.0)
    finisher.stop(timeout=20.0)

    assert not finisher._thread.is_alive()
    assert "succeeded" == client.job(job_id).status


@pytest.fixture
def another(database_url: str) -> Iterator["psycopg.Connection[Any]"]:
    """An application's own connection."""
    with psycopg.connect(database_url) as connection:
        yield connection


def test_a_reference_that_is_not_committed_holds_up_the_deletion_of_its_job_and_no_other_end(
    attempt: list[ActiveAttempt],
    finisher: Finisher,
    client: Client,
    link: Link,
    another: "psycopg.Connection[Any]",
) -> None:
    link.raw.execute("update pgqueue.jobs set keep_seconds = 0")
    link.raw.execute(
        "create table public.orders (job_id bigint references pgqueue.jobs on delete cascade)"
    )
    ids = [each.claimed.id for each in attempt]
    another.execute("insert into public.orders (job_id) values (%s)", [ids[0]])
    finisher.whole_link().raw.execute("set lock_timeout = '1s'")

    _end(finisher, attempt, Outcome.SUCCEEDED)
    meanwhile = [job.id for job in client.jobs()]
    another.commit()
    finisher.stop()
    finisher.run_once()

    assert [ids[0]] == meanwhile
    assert [] == client.jobs()


@pytest.mark.parametrize("is_committed", [True, False])
def test_what_is_logged_after_a_completion_goes_with_a_job_that_is_not_kept(
    attempt: list[ActiveAttempt],
    finisher: Finisher,
    client: Client,
    link: Link,
    another: "psycopg.Connection[Any]",
    is_committed: bool,
) -> None:
    link.raw.execute("update pgqueue.jobs set keep_seconds = 0")
    completing = attempt[0]
    Completion(finisher, LIMITS, link.schema).complete(completing, another, None)
    finisher.output.add_line((completing, time.monotonic(), "INFO", "shop", "still here", 1))
    finisher.run_once()
    early = link.fetch("select message from pgqueue.logs", {})
    (another.commit if is_committed else another.rollback)()
    _end(finisher, [completing], Outcome.FAILED)

    assert [] == early
    assert ([] if is_committed else [("still here",)]) == link.fetch(
        "select message from pgqueue.logs", {}
    )


def test_no_line_is_written_of_a_job_that_is_about_to_be_deleted(
    attempt: list[ActiveAttempt],
    finisher: Finisher,
    link: Link,
    another: "psycopg.Connection[Any]",
) -> None:
    # Logged before it completed itself, and written while it did.
    link.raw.execute("update pgqueue.jobs set keep_seconds = 0")
    Completion(finisher, LIMITS, link.schema).complete(attempt[0], another, None)
    attempt[0].is_completed = False
    for each in attempt[:2]:
        finisher.output.add_line((each, time.monotonic(), "INFO", "shop", "late", 1))
    finisher.run_once()
    another.commit()

    assert [(attempt[1].claimed.id,)] == link.fetch("select job_id from pgqueue.logs", {})


def test_an_attempt_whose_row_is_there_already_ends_all_the_same(
    attempt: list[ActiveAttempt], finisher: Finisher, client: Client, link: Link
) -> None:
    link.raw.execute(
        "insert into pgqueue.attempts (job_id, attempt, outcome) values (%s, 1, 'lost')",
        [attempt[1].claimed.id],
    )

    _end(finisher, attempt, Outcome.SUCCEEDED)

    assert ["succeeded"] * 3 == [client.job(each.claimed.id).status for each in attempt]
    assert ["lost"] == [each.outcome for each in client.attempts(attempt[1].claimed.id)]


def test_lines_are_written_once_when_the_reply_to_them_is_lost(
    attempt: list[ActiveAttempt],
    finisher: Finisher,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number, text in enumerate(["first", "second"], 1):
        finisher.output.add_line((attempt[0], time.monotonic(), "INFO", "shop", text, number))

    def lose_the_reply(link: Link, statement: Any) -> None:
        run(link, statement)
        link.close()
        raise psycopg.OperationalError("the connection broke before the answer")

    with monkeypatch.context() as broken:
        broken.setattr(output_buffer, "run", lose_the_reply)
        with pytest.raises(psycopg.OperationalError):
            finisher.run_once()
    finisher.output.add_line((attempt[0], time.monotonic(), "INFO", "shop", "third", 3))
    finisher.run_once()

    written = [line.message for line in client.logs(attempt[0].claimed.id)]
    assert ["first", "second", "third"] == written
