"""When a worker claims, and when it rests."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn

import psycopg
import pytest
from worker.harness import FetcherHarness, LossyLink

from pgqueue.client.client import Client
from pgqueue.core.bounded_names import NAMES_MAX
from pgqueue.core.events.event import listen
from pgqueue.core.events.jobs import JobClaimed
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import Row


@pytest.fixture
def harness(database_url: str, link: Link) -> Iterator[FetcherHarness]:
    harness = FetcherHarness(database_url, link)
    yield harness
    harness.fetcher.close()


def _fail(*_: object) -> NoReturn:
    raise psycopg.OperationalError("the connection broke before the statement")


def test_a_wake_up_is_not_lost_with_the_connection(harness: FetcherHarness, client: Client) -> None:
    harness.turn()
    harness.fetcher.request_claim(["default"])
    harness.fetcher.whole_link().raw.pgconn.finish()
    job = client.enqueue("shop.f")

    harness.turn()
    harness.turn()

    assert [job.id] == harness.waiting_ids


def test_a_claim_that_failed_is_repeated_without_another_wake_up(
    harness: FetcherHarness, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.turn()
    job = client.enqueue("shop.f")
    harness.fetcher.request_claim(["default"])
    with monkeypatch.context() as broken:
        broken.setattr(LossyLink, "fetch", _fail)
        harness.turn()

    harness.turn()

    assert [job.id] == harness.waiting_ids


def test_a_claim_that_failed_is_repeated_on_its_queues(
    database_url: str, link: Link, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = FetcherHarness(database_url, link, "mail/")
    harness.turn()
    job = client.enqueue("shop.f", queue="mail/a")
    harness.fetcher.request_claim(["mail/a"])
    with monkeypatch.context() as broken:
        broken.setattr(LossyLink, "fetch", _fail)
        harness.turn()

    harness.turn()
    harness.fetcher.close()

    assert [job.id] == harness.waiting_ids


_UNDO = """
create function pgqueue.undo() returns trigger language plpgsql as $$
begin
  return null;
end $$;
create trigger undo before update on pgqueue.jobs
for each row execute function pgqueue.undo()
"""


@pytest.mark.parametrize("is_woken", [False, True])
def test_claims_that_a_trigger_undoes_are_repeated_for_a_wake_up_only(
    harness: FetcherHarness, client: Client, monkeypatch: pytest.MonkeyPatch, is_woken: bool
) -> None:
    for _ in range(9):  # more than there are slots for
        client.enqueue("shop.f")
    harness.link.raw.execute(_UNDO.encode())
    harness.turn()
    harness.fetcher.request_claim(["default"])
    fetch = LossyLink.fetch

    def fetch_and_wake(link: LossyLink, text: str, params: Mapping[str, object]) -> Sequence[Row]:
        rows = fetch(link, text, params)
        if is_woken:
            harness.fetcher.request_claim(["default"])
        return rows

    monkeypatch.setattr(LossyLink, "fetch", fetch_and_wake)
    pause = harness.fetcher.run_once()

    assert is_woken == (pause == 0.0)
    assert is_woken != harness.scoreboard.is_waiting
    assert [] == harness.in_flight.all()


@pytest.fixture
def sent_claims(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, object]]:
    """The parameters of every claim, as they are sent."""
    sent: list[Mapping[str, object]] = []
    fetch = LossyLink.fetch

    def fetch_and_record(link: LossyLink, text: str, params: Mapping[str, object]) -> Sequence[Row]:
        if "jobs_max" in params:
            sent.append(params)
        return fetch(link, text, params)

    monkeypatch.setattr(LossyLink, "fetch", fetch_and_record)
    return sent


def test_after_a_wake_up_each_queue_is_scanned_from_its_beginning_once(
    database_url: str, link: Link, client: Client, sent_claims: list[Mapping[str, object]]
) -> None:
    harness = FetcherHarness(database_url, link, "a", "b")
    for _ in range(5):
        client.enqueue("shop.f", queue="a")
    # It ends in a, so that b is scanned by another claim, later than a was.
    harness.turn()
    harness.clock.advance(0.5)
    for attempt in harness.in_flight.remove_waiting():
        harness.in_flight.remove(attempt)
    harness.turn()
    harness.fetcher.request_claim(["a"])
    harness.turn()
    sent_claims.clear()

    for _ in range(30):
        harness.clock.advance(1 / 3)
        harness.turn()
    harness.fetcher.close()

    assert 1 == len(sent_claims)


@pytest.mark.parametrize("known_count, rests", [(NAMES_MAX - 1, False), (NAMES_MAX, True)])
def test_more_unknown_tasks_than_can_be_excluded_are_not_claimed_without_a_pause(
    harness: FetcherHarness, client: Client, known_count: int, rests: bool
) -> None:
    for _ in range(9):
        client.enqueue("shop.g")
    harness.tasks.unstartable = {"shop.g"}
    for number in range(known_count):
        harness.tasks.unknown.add(f"elsewhere.{number}")

    pause = harness.fetcher.run_once()

    assert rests == (pause > 0)


def test_a_turn_of_an_idle_worker_sends_nothing_to_the_database(
    harness: FetcherHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.turn()
    stalled_seconds = harness.scoreboard.stalled_seconds()
    monkeypatch.setattr(harness.fetcher, "whole_link", _fail)

    pause = harness.fetcher.run_once()

    assert 0 < pause <= 2
    assert harness.scoreboard.stalled_seconds() <= stalled_seconds + 1


def test_a_job_that_nobody_reported_is_found_with_a_reconciliation_once_a_minute(
    harness: FetcherHarness, client: Client
) -> None:
    harness.turn()
    job = client.enqueue("shop.f")
    active = []

    for seconds in (30.1, 14.9, 15.3):
        harness.clock.advance(seconds)
        harness.turn()
        active.append([attempt.claimed.id for attempt in harness.in_flight.all()])

    assert [[], [], [job.id]] == active


def test_nothing_is_claimed_during_a_reclaim(harness: FetcherHarness, client: Client) -> None:
    job = client.enqueue("shop.work")
    harness.scoreboard.begin_reclaim()
    harness.turn()
    before = client.job(job.id).status

    harness.scoreboard.end_reclaim()
    harness.turn()

    assert ("queued", [job.id]) == (before, harness.waiting_ids)


def test_a_job_that_was_claimed_before_a_reclaim_is_not_started(
    harness: FetcherHarness, client: Client
) -> None:
    client.enqueue("shop.work")
    harness.turn()
    [before] = harness.in_flight.remove_waiting()
    harness.scoreboard.begin_reclaim()
    harness.scoreboard.end_reclaim()
    client.enqueue("shop.work")
    harness.fetcher.request_claim(["default"])
    harness.turn()
    [after] = harness.in_flight.remove_waiting()

    for attempt in (before, after):
        harness.in_flight.start(attempt)

    assert (True, False) == (before.is_revoked, after.is_revoked)


def test_a_claim_emits_an_event_for_each_job_and_counts_it(
    harness: FetcherHarness, client: Client
) -> None:
    events: list[JobClaimed] = []
    stop_listening = listen(JobClaimed, events.append)
    jobs = [client.enqueue("shop.f", queue="default") for _ in range(2)]

    harness.turn()
    stop_listening()

    assert [
        (job.id, 1, harness.worker_id, "shop.f", "default") for job in jobs
    ] == [(e.job_id, e.attempt, e.worker_id, e.task, e.queue) for e in events]  # fmt: skip
    assert 2 == harness.counters.values()["claimed"]
