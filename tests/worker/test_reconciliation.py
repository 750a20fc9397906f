"""A worker compares its attempts with the rows that it owns: lost answers and lost attempts."""

from collections.abc import Iterator

import psycopg
import pytest
from worker.harness import LIMITS, FetcherHarness

from pgqueue.client.client import Client
from pgqueue.core.lifecycle import Outcome
from pgqueue.store import settlements
from pgqueue.store.connection.link import Link
from pgqueue.store.settlements import Settlement
from pgqueue.store.statement import run
from pgqueue.worker.active_attempt import ActiveAttempt
from pgqueue.worker.runner import Runner


@pytest.fixture
def harness(database_url: str, link: Link) -> Iterator[FetcherHarness]:
    harness = FetcherHarness(database_url, link)
    yield harness
    harness.fetcher.close()


@pytest.fixture
def always(database_url: str, link: Link) -> Iterator[FetcherHarness]:
    """A fetcher that reconciles at every turn."""
    harness = FetcherHarness(database_url, link, interval_seconds=0.0)
    yield harness
    harness.fetcher.close()


def test_jobs_of_a_claim_whose_answer_was_lost_are_run(
    harness: FetcherHarness, client: Client
) -> None:
    ids = [client.enqueue("shop.f", priority=priority).id for priority in (0, 5)]
    harness.database.answers_to_lose = 1

    harness.turn()
    assert [] == harness.in_flight.all()
    harness.turn()

    assert [ids[1], ids[0]] == harness.waiting_ids
    assert [1, 1] == [client.job(job_id).attempt for job_id in ids]


def test_a_reconciliation_whose_answer_was_lost_is_repeated(
    harness: FetcherHarness, client: Client
) -> None:
    job = client.enqueue("shop.f")
    harness.database.answers_to_lose = 2

    for _ in range(3):
        harness.turn()

    assert [job.id] == harness.waiting_ids


def test_a_claim_that_commits_after_its_connection_broke_is_found_a_lease_later(
    always: FetcherHarness, link: Link, client: Client
) -> None:
    job = client.enqueue("shop.f")

    with link.transaction():
        run(link, always.claim_elsewhere())
        always.turn()
        assert [] == always.in_flight.all()
    always.turn()

    assert [job.id] == always.waiting_ids


def test_after_a_connection_broke_the_worker_reconciles_again_soon(
    harness: FetcherHarness, link: Link, client: Client
) -> None:
    job = client.enqueue("shop.f")

    with link.transaction():
        run(link, harness.claim_elsewhere())
        harness.fail(psycopg.OperationalError("it broke while that claim was under way"))
        pause = harness.fetcher.run_once()
        assert [] == harness.in_flight.all()
    assert 0.0 < pause < 1.0
    harness.clock.advance(pause)
    harness.turn()

    assert [job.id] == harness.waiting_ids


def test_the_pauses_after_a_broken_connection_grow_to_the_interval_and_to_two_without_a_job(
    harness: FetcherHarness,
) -> None:
    harness.fail(psycopg.OperationalError("it broke"))
    pauses = []

    for _ in range(10):
        harness.turn()
        pauses.append(harness.reconciliation.seconds_left)
        harness.clock.advance(pauses[-1])

    assert [0.2, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 60.0, 60.0] == [round(p, 6) for p in pauses]


def test_jobs_of_a_claim_whose_answer_was_lost_are_released_by_a_worker_that_stops(
    harness: FetcherHarness, client: Client
) -> None:
    job = client.enqueue("shop.f")
    harness.database.answers_to_lose = 1

    harness.turn()
    harness.fetcher.stop_claiming()
    harness.turn()

    assert [job.id] == [attempt.claimed.id for attempt in harness.released]


def test_an_attempt_that_another_worker_owns_is_stopped_unless_it_has_ended(
    always: FetcherHarness, link: Link, client: Client
) -> None:
    for _ in range(3):
        client.enqueue("shop.f")
    always.turn()
    own, lost, ended = always.in_flight.all()
    ended.end(0.0)

    run(link, settlements.settle([_interrupted(attempt) for attempt in (lost, ended)]))
    always.turn()

    assert [lost] == always.revoked
    assert lost.is_revoked
    assert own in always.in_flight.all()


def _interrupted(attempt: ActiveAttempt) -> Settlement:
    claimed = attempt.claimed
    return Settlement(claimed.id, claimed.attempt, claimed.worker_id, Outcome.INTERRUPTED)


def test_an_attempt_that_was_revoked_while_it_waited_does_not_start(
    harness: FetcherHarness, client: Client
) -> None:
    job = client.enqueue("shop.f")
    harness.turn()
    (attempt,) = harness.in_flight.remove_waiting()
    attempt.revoke()
    settled: list[Settlement] = []
    runner = Runner(
        harness.in_flight,
        LIMITS,
        find_task=lambda attempt: pytest.fail("it started"),
        context_of=lambda attempt, task, args: pytest.fail("it started"),
        watch=lambda attempt: None,
        settle=lambda attempt, settlement: settled.append(settlement),
    )

    runner.run((attempt,))

    assert [(job.id, Outcome.INTERRUPTED)] == [(end.id, end.outcome) for end in settled]


def test_workers_that_start_together_reconcile_at_different_times(
    database_url: str, link: Link
) -> None:
    harnesses = [FetcherHarness(database_url, link) for _ in range(5)]
    for harness in harnesses:
        harness.fetcher.close()

    pauses = {harness.reconciliation.seconds_left for harness in harnesses}

    assert 5 == len(pauses)
    assert all(15.0 <= pause <= 30.0 for pause in pauses)


@pytest.mark.parametrize("is_reclaimed", [True, False])
def test_a_job_whose_answer_was_lost_before_a_reclaim_is_not_started(
    harness: FetcherHarness, client: Client, is_reclaimed: bool
) -> None:
    # The reclaim has read the job as claimed, and returns it to the queue at this moment.
    client.enqueue("shop.work")
    harness.database.answers_to_lose = 1
    harness.turn()
    if is_reclaimed:
        harness.scoreboard.begin_reclaim()
        harness.scoreboard.end_reclaim()

    harness.turn()
    [attempt] = harness.in_flight.remove_waiting()
    harness.in_flight.start(attempt)

    assert is_reclaimed == attempt.is_revoked
