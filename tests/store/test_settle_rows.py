"""The rows that a settlement writes and deletes: results, errors, attempts."""

from datetime import timedelta

import pytest
from queue_database import QueueDatabase
from settling import token

from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.store import attempts, logs
from pgqueue.store.logs import NewLogLine
from pgqueue.store.statement import run

OUTCOMES = [outcome.value for outcome in Outcome]


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_only_a_success_that_is_not_kept_is_deleted(db: QueueDatabase, outcome: str) -> None:
    claimed = db.claim_new(max_attempts=1, keep_seconds=0.0)
    run(
        db.link,
        logs.add_log_lines([NewLogLine(*token(claimed), 0, "INFO", "shop", "half way", 1)]),
    )

    db.settle(claimed, Outcome(outcome), delay_seconds=60.0)

    counts = db.row(
        "select (select count(*) from pgqueue.jobs), (select count(*) from pgqueue.attempts),"
        " (select count(*) from pgqueue.logs)"
    )
    assert ((0, 0, 0) if outcome == "succeeded" else (1, 1, 1)) == counts


@pytest.mark.parametrize(("attempt", "is_kept"), [(100, False), (101, True)])
def test_the_deletion_of_a_job_with_many_attempts_is_left_to_the_pruner(
    db: QueueDatabase, attempt: int, is_kept: bool
) -> None:
    job = db.enqueue(keep_seconds=0.0)
    db.change(job.id, attempt=attempt - 1)
    [claimed] = db.claim(db.worker())

    db.settle(claimed, Outcome.SUCCEEDED)

    assert [(job.id, "succeeded", True)] * is_kept == db.rows(
        "select id, status, kept_until <= clock_timestamp() from pgqueue.jobs"
    )


def test_a_deleted_success_deletes_its_earlier_attempts(db: QueueDatabase) -> None:
    claimed = db.claim_new(max_attempts=2, keep_seconds=0.0, backoff_base_seconds=0.0)
    db.settle(claimed, Outcome.FAILED)
    [second] = db.claim(db.worker())

    answer = db.settle(second, Outcome.SUCCEEDED)

    assert {(claimed.id, 2): JobStatus.SUCCEEDED} == answer
    assert (0,) == db.row("select count(*) from pgqueue.attempts")


def test_the_row_of_an_attempt_has_its_start_and_its_error(db: QueueDatabase) -> None:
    claimed = db.claim_new()
    claimed_at = db.job(claimed.id).started_at
    assert claimed_at is not None

    db.settle(
        claimed,
        Outcome.FAILED,
        waited_seconds=1.5,
        error_type="shop.Broken",
        error_message="no stock",
        traceback="Traceback …",
    )

    [attempt] = run(db.link, attempts.attempts_of(claimed.id))
    assert claimed_at + timedelta(seconds=1.5) == attempt.started_at
    assert ("shop.Broken", "no stock", "Traceback …") == (
        attempt.error_type,
        attempt.error_message,
        attempt.traceback,
    )
    assert "shop.Broken: no stock" == db.job(claimed.id).error


def test_a_result_replaces_an_earlier_error(db: QueueDatabase) -> None:
    claimed = db.claim_new(max_attempts=2, backoff_base_seconds=0.0)
    db.settle(claimed, Outcome.FAILED, error_type="ValueError", error_message="")
    failed = db.job(claimed.id)
    [second] = db.claim(db.worker())

    db.settle(second, Outcome.SUCCEEDED, result='{"sent": [1, 2.5, null, "ü"]}')

    job = db.job(claimed.id)
    assert "ValueError" == failed.error
    assert (JobStatus.SUCCEEDED, {"sent": [1, 2.5, None, "ü"]}, None) == (
        job.status,
        job.result,
        job.error,
    )


def test_a_long_error_is_cut_in_the_job_and_whole_in_the_attempt(db: QueueDatabase) -> None:
    claimed = db.claim_new()

    db.settle(claimed, Outcome.FAILED, error_type="Long", error_message="x" * 5_000)

    [attempt] = run(db.link, attempts.attempts_of(claimed.id))
    assert 2_000 == len(db.job(claimed.id).error or "")
    assert 5_000 == len(attempt.error_message or "")
