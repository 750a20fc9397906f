"""How many jobs wait for a slot, and when they return to the queue."""

from collections.abc import Iterator, Sequence

import pytest
from worker.harness import FetcherHarness

from pgqueue.client.client import Client
from pgqueue.store.connection.link import Link
from pgqueue.worker.active_attempt import ActiveAttempt
from pgqueue.worker.prefetch import Prefetch

SLOTS = 5
SHORT_SECONDS = 0.001


@pytest.fixture
def harness(database_url: str, link: Link) -> Iterator[FetcherHarness]:
    harness = FetcherHarness(database_url, link, prefetch_max=100, interval_seconds=1e6)
    harness.turn()
    yield harness
    harness.fetcher.close()


def _enqueue(client: Client, count: int) -> list[int]:
    return [client.enqueue("shop.f").id for _ in range(count)]


def _claim(harness: FetcherHarness) -> None:
    harness.fetcher.request_claim(["default"])
    harness.turn()


def _start(harness: FetcherHarness, count: int) -> list[ActiveAttempt]:
    started = []
    for _ in range(count):
        run = harness.in_flight.take_next(wait=False)
        assert run
        harness.in_flight.start(run[0])
        started.append(run[0])
    return started


def _end(harness: FetcherHarness, attempts: Sequence[ActiveAttempt], seconds: float) -> None:
    harness.clock.advance(seconds)
    for attempt in attempts:
        harness.in_flight.end(attempt)
        harness.in_flight.remove(attempt)


def _run_short_jobs(harness: FetcherHarness, client: Client, rounds: int = 3) -> None:
    for _ in range(rounds):
        _enqueue(client, SLOTS)
        _claim(harness)
        _end(harness, _start(harness, SLOTS), SHORT_SECONDS)


def _released(harness: FetcherHarness) -> list[int]:
    return [attempt.claimed.id for attempt in harness.released]


def test_nothing_is_prefetched_behind_jobs_that_take_long(
    harness: FetcherHarness, client: Client
) -> None:
    _run_short_jobs(harness, client)
    _enqueue(client, SLOTS)
    _claim(harness)
    _start(harness, SLOTS)
    harness.clock.advance(0.051)

    _enqueue(client, 3)
    _claim(harness)

    assert SLOTS == len(harness.in_flight.all())


def test_one_slot_among_long_jobs_gets_a_prefetch_of_its_own_pace(
    harness: FetcherHarness, client: Client
) -> None:
    _run_short_jobs(harness, client)
    _enqueue(client, SLOTS - 1)
    _claim(harness)
    _start(harness, SLOTS - 1)
    for _ in range(20):
        _enqueue(client, 1)
        _claim(harness)
        _end(harness, _start(harness, 1), 0.02)
    _enqueue(client, 50)

    _claim(harness)

    # By the average, five slots would take 25 and more jobs of this length within the horizon.
    assert SLOTS < len(harness.in_flight.all()) <= SLOTS + 3


def test_an_idle_worker_prefetches_by_the_average_of_its_last_runs(
    harness: FetcherHarness, client: Client
) -> None:
    _run_short_jobs(harness, client)
    harness.clock.advance(20.0)
    _enqueue(client, 90)

    _claim(harness)

    assert 90 == len(harness.in_flight.all())


def test_a_prefetch_for_which_no_slot_becomes_free_returns_within_the_horizon(
    harness: FetcherHarness, client: Client
) -> None:
    _run_short_jobs(harness, client)
    ids = _enqueue(client, SLOTS + 20)
    _claim(harness)
    _start(harness, SLOTS)
    _enqueue(client, 100)

    # A wake-up lets each turn try to claim; that must not come before the return.
    harness.clock.advance(0.049)
    _claim(harness)
    before = _released(harness)
    harness.clock.advance(0.002)
    _claim(harness)

    assert [] == before
    assert ids[SLOTS:] == _released(harness)
    assert SLOTS == len([a for a in harness.in_flight.all() if not a.has_ended])


def test_a_prefetch_returns_although_the_database_cannot_be_reached(
    harness: FetcherHarness, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run_short_jobs(harness, client)
    ids = _enqueue(client, SLOTS + 2)
    _claim(harness)
    _start(harness, SLOTS)
    harness.clock.advance(0.06)
    monkeypatch.setattr(harness.fetcher, "whole_link", lambda: pytest.fail("a connection"))

    harness.fetcher._return_waiting()

    assert ids[SLOTS:] == _released(harness)


def test_a_prefetch_that_the_slots_take_too_slowly_returns(
    harness: FetcherHarness, client: Client
) -> None:
    _run_short_jobs(harness, client)
    _enqueue(client, 100)
    _claim(harness)
    running = _start(harness, SLOTS)
    pauses = []

    # The jobs are twenty times as long now: the last one would wait for four tenths of a second.
    while not harness.released and len(pauses) < 20:
        _end(harness, running, 0.02)
        running = _start(harness, SLOTS)
        harness.turn()
        pauses.append(0.02)

    assert 0.05 <= sum(pauses) <= 0.15


def test_a_job_that_waits_for_a_free_slot_stays_for_a_second(
    harness: FetcherHarness, client: Client
) -> None:
    # Another job keeps the main thread, so that no runner takes it.
    _run_short_jobs(harness, client)
    job_ids = _enqueue(client, SLOTS)
    _claim(harness)
    _start(harness, 1)

    harness.clock.advance(0.9)
    harness.turn()
    before = _released(harness)
    harness.clock.advance(0.2)
    harness.turn()

    assert [] == before
    assert job_ids[1:] == _released(harness)


def test_a_process_that_got_no_cpu_keeps_its_prefetch(
    harness: FetcherHarness, client: Client
) -> None:
    _run_short_jobs(harness, client)
    _enqueue(client, SLOTS + 20)
    _claim(harness)
    running = _start(harness, SLOTS)

    harness.clock.advance(0.3)  # the turn was due after 0.05 s: nothing of the process ran
    harness.turn()
    _end(harness, running, 0.001)
    harness.turn()

    assert [] == _released(harness)


def test_jobs_that_return_are_claimed_again_when_a_slot_is_free(
    harness: FetcherHarness, client: Client
) -> None:
    _run_short_jobs(harness, client)
    _enqueue(client, SLOTS + 2)
    _claim(harness)
    running = _start(harness, SLOTS)
    harness.clock.advance(0.06)
    harness.turn()
    late = _enqueue(client, 1)  # no wake-up tells this worker
    is_waiting = harness.scoreboard.is_waiting

    _end(harness, running, 40.0)
    harness.turn()

    assert not is_waiting
    assert late == harness.waiting_ids


@pytest.mark.parametrize(
    "round_trips, horizon",
    [
        ([], 0.05),
        ([0.002] * 5, 0.05),
        ([0.05] * 5, 0.15),
        ([0.06, 20.0, 0.05, 0.07, 0.06], 0.15),  # one claim waited for a lock
        ([9.0, 8.0], 0.5),
    ],
)
def test_the_horizon_is_three_round_trips_of_a_long_link(
    round_trips: list[float], horizon: float
) -> None:
    prefetch = Prefetch(100)
    for seconds in round_trips:
        prefetch.record_claim(seconds)

    assert horizon == pytest.approx(prefetch.horizon_seconds)
