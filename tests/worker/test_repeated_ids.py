"""A sequence that was reset or restored repeats the ids of jobs that are in flight."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from queue_database import QueueDatabase
from worker.harness import FetcherHarness, FinisherHarness

from pgqueue.client.client import Client
from pgqueue.core.lifecycle import JobStatus
from pgqueue.store.connection.link import Link
from pgqueue.worker.active_attempt import ActiveAttempt, Receipt

_FORGET = "delete from pgqueue.jobs"
_RESET = "select setval('pgqueue.jobs_id_seq', 1, false)"


@pytest.fixture
def harness(database_url: str, link: Link) -> Iterator[FetcherHarness]:
    harness = FetcherHarness(database_url, link)
    yield harness
    harness.fetcher.close()


def _repeat(db: QueueDatabase, client: Client) -> int:
    db.link.raw.execute(_FORGET)
    db.rows(_RESET)
    return client.enqueue("shop.f").id


@pytest.mark.parametrize("state", ["waits", "runs", "ended"])
def test_an_attempt_whose_key_is_claimed_again_is_revoked_unless_it_has_ended(
    harness: FetcherHarness, db: QueueDatabase, client: Client, state: str
) -> None:
    client.enqueue("shop.f")
    harness.turn()
    [older] = harness.in_flight.all()
    if state != "waits":
        harness.in_flight.take_next()
        harness.in_flight.start(older)
    if state == "ended":
        harness.in_flight.end(older)
    job_id = _repeat(db, client)
    harness.fetcher.request_claim(["default"])

    harness.turn()

    newer = harness.in_flight.find((job_id, 1))
    assert {older, newer} == {*harness.in_flight.all()}
    assert newer is not None and not newer.is_revoked
    assert (state != "ended") == older.is_revoked
    assert older.claimed.worker_id == 0

    harness.in_flight.remove(older)
    assert [newer] == harness.in_flight.all()


def test_a_key_that_is_claimed_a_third_time_leaves_three_attempts(
    harness: FetcherHarness, db: QueueDatabase, client: Client
) -> None:
    client.enqueue("shop.f")
    harness.turn()
    for _ in range(2):
        _repeat(db, client)
        harness.fetcher.request_claim(["default"])
        harness.turn()

    attempts = harness.in_flight.all()
    assert 3 == len(attempts)
    assert 2 == sum(attempt.is_revoked for attempt in attempts)
    for attempt in attempts:
        harness.in_flight.remove(attempt)
    assert [] == harness.in_flight.all()


def test_an_outcome_that_waits_is_not_recorded_for_the_job_with_its_id(
    database_url: str, link: Link, db: QueueDatabase, client: Client
) -> None:
    harness = FinisherHarness(database_url, link, client)
    older = harness.attempts[0]
    harness.in_flight.add(harness.attempts)
    harness.end(older, result='"old"')

    # The row stands for the new job with the id; the older attempt's outcome is in the queue.
    newer = ActiveAttempt(older.claimed, older.task, Receipt(0.0))
    assert [older] == harness.in_flight.attempts.disown([older.claimed])
    harness.in_flight.add([newer])
    harness.turn()
    status = db.job(newer.claimed.id).status
    harness.end(newer, result='"new"')
    harness.turn()
    harness.finisher.close()

    job = db.job(newer.claimed.id)
    assert (JobStatus.RUNNING, "new") == (status, job.result)
    assert {*harness.attempts[1:]} == {*harness.in_flight.all()}


def test_outcomes_of_both_jobs_with_an_id_in_one_batch_are_told_apart(
    database_url: str, link: Link, db: QueueDatabase, client: Client
) -> None:
    harness = FinisherHarness(database_url, link, client)
    older = harness.attempts[0]
    harness.in_flight.add(harness.attempts)
    newer = ActiveAttempt(older.claimed, older.task, Receipt(0.0))
    harness.end(older)
    harness.in_flight.attempts.disown([older.claimed])
    harness.in_flight.add([newer])
    harness.end(newer, result='"new"')

    harness.turn()
    harness.finisher.close()

    job = db.job(newer.claimed.id)
    assert (JobStatus.SUCCEEDED, "new") == (job.status, job.result)
    assert 1 == harness.counters.succeeded


def test_a_job_whose_id_was_repeated_writes_nothing_into_the_other_job(
    client: Client, fleet: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PGQUEUE_TEST_TASKS", "shop.repeated_tasks")
    workers = fleet()
    args = {"folder": str(tmp_path)}
    old = client.enqueue("shop.repeated_tasks.resists", {"name": "old", **args})
    workers.until((tmp_path / "old runs").exists, "the older job runs")
    workers.rows(f"{_FORGET} returning id")
    workers.rows(_RESET)

    new = client.enqueue("shop.repeated_tasks.resists", {"name": "new", **args})
    workers.until((tmp_path / "old was interrupted").exists, "the older job is interrupted")
    workers.until((tmp_path / "new runs").exists, "the newer job runs")
    (tmp_path / "end old").touch()
    barrier = client.enqueue("shop.repeated_tasks.resists", {"name": "barrier", **args})
    (tmp_path / "end barrier").touch()
    workers.until(lambda: client.job(barrier.id).status == "succeeded", "the older job's outcome")
    row = client.job(new.id)
    (tmp_path / "end new").touch()
    workers.until(lambda: client.job(new.id).status == "succeeded", "the newer job ends")

    assert old.id == new.id
    assert ("running", None) == (row.status, row.progress_message)
    assert "new" == client.job(new.id).result
    assert ["new"] == [line.message for line in client.logs(new.id)]
