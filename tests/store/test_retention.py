"""Jobs expire, and rows that are no longer needed are deleted."""

from typing import Any

import pytest
from queue_database import QueueDatabase
from settling import token

from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.store import logs, promotion, retention, workers
from pgqueue.store.connection.link import Link
from pgqueue.store.logs import NewLogLine
from pgqueue.store.statement import run


@pytest.mark.parametrize("status", JobStatus)
def test_only_a_waiting_job_expires(db: QueueDatabase, status: JobStatus) -> None:
    job = db.enqueue(expires_after_seconds=60.0)
    db.change(job.id, status=status.value)
    db.pass_time("expires_at", 61)

    expired = run(db.link, retention.expire(10))

    is_waiting = status in ("scheduled", "queued", "blocked")
    row = db.job(job.id)
    assert (1 if is_waiting else 0) == expired
    assert (JobStatus.CANCELLED if is_waiting else status) == row.status
    if is_waiting:
        assert "Expired: not started before" in (row.error or "")
        assert row.finished_at is not None


def test_a_job_does_not_expire_before_its_time(db: QueueDatabase) -> None:
    db.enqueue(expires_after_seconds=60.0)

    assert 0 == run(db.link, retention.expire(10))


@pytest.mark.parametrize("status", JobStatus)
def test_only_a_finished_job_is_pruned(db: QueueDatabase, status: JobStatus) -> None:
    # `update pgqueue.jobs set status = 'queued'` by hand leaves kept_until as it is.
    claimed = db.claim_new()
    db.settle(claimed, Outcome.SUCCEEDED)
    db.pass_time("kept_until", 90_000)
    db.change(claimed.id, status=status.value)

    first = run(db.link, retention.first_prunable([]))
    pruned = run(db.link, retention.prune(10))

    is_finished = status in ("succeeded", "failed", "cancelled")
    assert (1 if is_finished else 0) == pruned
    assert (claimed.id if is_finished else None) == (first and first[0])


def test_a_job_queued_again_by_hand_runs_and_is_kept_anew(db: QueueDatabase) -> None:
    claimed = db.claim_new()
    db.settle(claimed, Outcome.SUCCEEDED)
    db.pass_time("kept_until", 90_000)
    db.change(claimed.id, status="queued")

    [second] = db.claim(db.worker())
    running = run(db.link, retention.prune(10))
    db.settle(second, Outcome.SUCCEEDED)

    assert (0, 0) == (running, run(db.link, retention.prune(10)))


def test_a_finished_job_is_pruned_with_its_attempts_and_logs(db: QueueDatabase) -> None:
    for keep_seconds in (30.0, 90.0):
        claimed = db.claim_new(keep_seconds=keep_seconds)
        run(
            db.link,
            logs.add_log_lines([NewLogLine(*token(claimed), 0, "INFO", "shop", "line", 1)]),
        )
        db.settle(claimed, Outcome.SUCCEEDED)
    db.settle(db.claim_new(keep_seconds=0.0), Outcome.FAILED)
    db.pass_time("kept_until", 60)

    pruned = run(db.link, retention.prune(10))

    remaining = db.rows(
        "select job.status, job.keep_seconds,"
        " (select count(*) from pgqueue.attempts where job_id = job.id),"
        " (select count(*) from pgqueue.logs where job_id = job.id)"
        " from pgqueue.jobs as job order by job.id"
    )
    assert 1 == pruned
    assert [("succeeded", 90.0, 1, 1), ("failed", 0.0, 1, 0)] == remaining
    assert (2,) == db.row("select count(*) from pgqueue.attempts")


def test_a_job_retried_by_hand_is_not_pruned(db: QueueDatabase) -> None:
    claimed = db.claim_new(keep_seconds=10.0)
    db.settle(claimed, Outcome.SUCCEEDED)
    db.rows("select pgqueue.retry(%(id)s)", id=claimed.id)
    db.pass_time("kept_until", 60)

    assert 0 == run(db.link, retention.prune(10))


@pytest.mark.parametrize(
    ("statement", "column"),
    [
        (promotion.promote, "run_at"),
        (retention.expire, "expires_at"),
        (retention.prune, "kept_until"),
    ],
)
def test_maintenance_skips_locked_jobs(
    db: QueueDatabase, other_link: Link, statement: Any, column: str
) -> None:
    locked, _ = (db.enqueue(run_after=10.0, expires_after_seconds=10.0).id for _ in range(2))
    if column == "kept_until":
        db.rows("update pgqueue.jobs set kept_until = expires_at, status = 'cancelled'")
    db.pass_time(column, 60)

    with db.link.transaction():
        db.rows("select from pgqueue.jobs where id = %(id)s for update", id=locked)

        assert 1 == run(other_link, statement(10))


def test_a_stopped_worker_is_pruned_once_its_jobs_are_settled(db: QueueDatabase) -> None:
    db.enqueue()
    busy, idle = (db.worker() for _ in range(2))
    [claimed] = db.claim(busy)
    run(db.link, workers.end_workers([busy, idle], "died", "killed"))
    db.rows("update pgqueue.workers set stopped_at = stopped_at - interval '1 hour'")

    first = run(db.link, retention.prune_workers(60))
    db.settle(claimed, Outcome.LOST)
    second = run(db.link, retention.prune_workers(60))

    assert (1, 1) == (first, second)
