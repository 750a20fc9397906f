"""How many jobs a worker may claim, as its attempts come and go."""

import threading
import time
from collections.abc import Iterator

import pytest
from worker.harness import FetcherHarness

from pgqueue.client.client import Client
from pgqueue.store.connection.link import Link
from pgqueue.worker.executors import interruptible


@pytest.fixture
def harness(database_url: str, link: Link) -> Iterator[FetcherHarness]:
    harness = FetcherHarness(database_url, link)
    yield harness
    harness.fetcher.close()


def test_nothing_is_claimed_while_a_job_keeps_the_main_thread(
    harness: FetcherHarness, client: Client
) -> None:
    client.enqueue("shop.work")
    harness.turn()
    run = harness.in_flight.take_next()
    assert run
    harness.in_flight.start(run[0])
    client.enqueue("shop.work")
    before = harness.in_flight.free_capacity()

    # The scoreboard's clock is the host's, as two processes read it.
    blocked_at = time.monotonic() + 1.0
    while time.monotonic() < blocked_at:
        threading.Event().wait(0.1)
    blocked = harness.in_flight.free_capacity()
    harness.in_flight.set_running(None)

    assert [(4, 4), (0, 0), (4, 4)] == [before, blocked, harness.in_flight.free_capacity()]


def test_an_attempt_that_left_the_queue_has_a_slot_before_it_starts(
    harness: FetcherHarness, client: Client
) -> None:
    for _ in range(3):
        client.enqueue("shop.f")
    harness.turn()

    before = harness.in_flight.free_capacity()
    runs = [harness.in_flight.take_next(wait=False) for _ in range(4)]

    assert [True, True, True, False] == [run is not None for run in runs]
    assert before == (2, 2) == harness.in_flight.free_capacity()
    assert 3 == harness.in_flight.busy_slots


def test_attempts_that_left_the_queue_or_ended_leave_their_slots(
    harness: FetcherHarness, client: Client
) -> None:
    for _ in range(3):
        client.enqueue("shop.f")
    harness.turn()
    attempts = harness.in_flight.remove_waiting()
    removed = harness.in_flight.free_capacity()
    harness.in_flight.add(attempts)
    for attempt in attempts[:2]:
        harness.in_flight.take_next()
        harness.in_flight.start(attempt)
        harness.in_flight.end(attempt)

    assert [(5, 5), (4, 4)] == [removed, harness.in_flight.free_capacity()]


def test_a_run_of_several_attempts_counts_each_of_them(
    harness: FetcherHarness, client: Client
) -> None:
    for _ in range(3):
        client.enqueue("shop.f")
    harness.turn()
    attempts = harness.in_flight.remove_waiting()
    harness.in_flight.waiting.put(tuple(attempts))

    harness.in_flight.take_next()

    assert 3 == harness.in_flight.busy_slots


def test_a_settlement_that_waits_for_a_lock_releases_no_other_attempt(
    harness: FetcherHarness, client: Client
) -> None:
    # Released without a start, and not settled yet, as a transaction has its row locked.
    client.enqueue("shop.f")
    harness.turn()
    [deferred] = harness.in_flight.remove_waiting()
    deferred.end(harness.clock.monotonic())
    harness.clock.advance(5.0)
    ids = [client.enqueue("shop.f").id for _ in range(9)]
    harness.fetcher.request_claim(["default"])

    for _ in range(3):
        harness.turn()

    assert [] == harness.released
    assert ids[:5] == harness.waiting_ids


def test_an_attempt_that_waits_too_long_for_a_slot_is_released(
    harness: FetcherHarness, client: Client
) -> None:
    job = client.enqueue("shop.f")
    harness.turn()

    harness.clock.advance(0.9)
    harness.turn()
    before = harness.released
    harness.clock.advance(0.2)
    harness.turn()

    assert [] == before
    assert [job.id] == [attempt.claimed.id for attempt in harness.released]


def test_the_attempt_of_a_run_whose_code_runs_is_the_one_to_interrupt(
    harness: FetcherHarness, client: Client
) -> None:
    for _ in range(3):
        client.enqueue("shop.f")
    harness.turn()
    run = tuple(harness.in_flight.all())

    before = interruptible(run)
    run[1].is_interruptible = True

    assert before is None
    assert run[1] is interruptible(run)
    assert interruptible(None) is None


def test_nothing_is_claimed_or_started_while_the_lease_is_over(
    harness: FetcherHarness, client: Client
) -> None:
    client.enqueue("shop.work")
    harness.turn()
    run = harness.in_flight.take_next()
    assert run

    now = harness.clock.monotonic()
    harness.scoreboard.extend_lease(now)
    capacity = harness.in_flight.free_capacity()
    harness.in_flight.start(run[0])
    harness.scoreboard.extend_lease(now + 60.0)

    assert ((0, 0), True) == (capacity, run[0].is_revoked)
    assert (4, 4) == harness.in_flight.free_capacity()
