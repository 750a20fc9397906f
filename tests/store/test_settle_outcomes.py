"""Each outcome changes its job as the table in the header of settle.sql says."""

from typing import Any

import pytest
from queue_database import QueueDatabase

from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.store import attempts, jobs, retention
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.store.statement import run

# The maximum of a count.
FULL = 2**31 - 1

SITUATIONS: dict[str, dict[str, Any]] = {
    "attempts left": {"max_attempts": 3},
    "no attempt left": {"max_attempts": 1},
    "at_most_once, started": {"max_attempts": 3, "delivery": "at_most_once"},
    "at_most_once, not started": {"max_attempts": 3, "delivery": "at_most_once"},
    "cancel requested": {"max_attempts": 3},
}

#                  attempts left  no attempt left at_most_once,  at_most_once,  cancel
#                                                 started        not started    requested
TABLE = {
    "succeeded":   ("succeeded",   "succeeded",   "succeeded",   "succeeded",   "succeeded"),
    "failed":      ("scheduled",   "failed",      "failed",      "scheduled",   "cancelled"),
    "timed_out":   ("scheduled",   "failed",      "failed",      "scheduled",   "cancelled"),
    "lost":        ("queued",      "queued",      "failed",      "queued",      "cancelled"),
    "interrupted": ("queued",      "queued",      "failed",      "queued",      "cancelled"),
    "snoozed":     ("scheduled",   "scheduled",   "failed",      "scheduled",   "cancelled"),
    "cancelled":   ("cancelled",   "cancelled",   "cancelled",   "cancelled",   "cancelled"),
}  # fmt: skip

CASES = [
    (outcome, situation, status)
    for outcome, statuses in TABLE.items()
    for situation, status in zip(SITUATIONS, statuses, strict=True)
]

WAITING = ("queued", "scheduled")


def _settled(db: QueueDatabase, outcome: str, situation: str, **changes: object) -> ClaimedAttempt:
    """An attempt of a job in a situation, settled with an outcome."""
    claimed = db.claim_new(**SITUATIONS[situation])
    if situation == "cancel requested":
        db.rows("select pgqueue.cancel(%(id)s)", id=claimed.id)
    if changes:
        db.change(claimed.id, **changes)
    waited_seconds = None if situation == "at_most_once, not started" else 0.5
    delay_seconds = 60.0 if outcome == "snoozed" else None
    db.settle(claimed, Outcome(outcome), waited_seconds=waited_seconds, delay_seconds=delay_seconds)
    return claimed


def test_the_table_has_every_outcome() -> None:
    assert {outcome.value for outcome in Outcome} == TABLE.keys()


@pytest.mark.parametrize(("outcome", "situation", "status"), CASES)
def test_an_outcome_leads_to_its_status(
    db: QueueDatabase, outcome: str, situation: str, status: str
) -> None:
    claimed = _settled(db, outcome, situation)

    job = db.job(claimed.id)
    assert status == job.status
    assert (status in WAITING) == (job.finished_at is None)
    assert (status in WAITING) == (job.worker_id is None)
    assert job.deadline_at is None
    assert 1 == job.attempt


@pytest.mark.parametrize(("outcome", "situation", "status"), CASES)
def test_an_outcome_changes_only_its_own_counts(
    db: QueueDatabase, outcome: str, situation: str, status: str
) -> None:
    claimed = _settled(db, outcome, situation, failure_count=0, lost_count=1)

    job = db.job(claimed.id)
    assert (1 if outcome in ("failed", "timed_out") else 0) == job.failure_count
    assert {"lost": 2, "interrupted": 1}.get(outcome, 0) == job.lost_count


@pytest.mark.parametrize(("outcome", "situation", "status"), CASES)
def test_a_settled_job_is_kept_as_long_as_its_status_says(
    db: QueueDatabase, outcome: str, situation: str, status: str
) -> None:
    claimed = _settled(db, outcome, situation)

    (kept_seconds,) = db.row(
        "select extract(epoch from kept_until - finished_at)::float8"
        " from pgqueue.jobs where id = %(id)s",
        id=claimed.id,
    )
    if status in ("succeeded", "cancelled"):
        assert kept_seconds == pytest.approx(86_400, abs=1)
    else:
        assert kept_seconds is None


def test_a_cancelled_job_is_kept_for_a_day_whoever_cancelled_it(db: QueueDatabase) -> None:
    by_itself, waiting, late = (
        db.claim_new(keep_seconds=0.0),
        db.enqueue(keep_seconds=0.0),
        db.enqueue(keep_seconds=0.0, expires_after_seconds=60),
    )
    db.settle(by_itself, Outcome.CANCELLED)
    run(db.link, jobs.cancel(jobs.JobSelection([waiting.id])))
    db.rows("update pgqueue.jobs set expires_at = created_at where id = %(id)s", id=late.id)
    run(db.link, retention.expire(10))

    assert [(job.id, "cancelled", 86_400.0) for job in (by_itself, waiting, late)] == db.rows(
        "select id, status, round(extract(epoch from kept_until - finished_at))::float8"
        " from pgqueue.jobs order by id"
    )


@pytest.mark.parametrize(("outcome", "situation", "status"), CASES)
def test_every_settled_attempt_leaves_a_row(
    db: QueueDatabase, outcome: str, situation: str, status: str
) -> None:
    claimed = _settled(db, outcome, situation)

    [attempt] = run(db.link, attempts.attempts_of(claimed.id))
    assert (claimed.id, 1, claimed.worker_id) == (
        attempt.job_id,
        attempt.attempt,
        attempt.worker_id,
    )
    assert outcome == attempt.outcome
    assert (situation == "at_most_once, not started") == (attempt.started_at is None)
    assert db.job(claimed.id).started_at == attempt.started_at


def test_an_error_that_does_not_count_as_retryable_ends_the_job(db: QueueDatabase) -> None:
    claimed = db.claim_new(max_attempts=5)

    answer = db.settle(claimed, Outcome.FAILED, retryable=False)

    assert {(claimed.id, 1): JobStatus.FAILED} == answer


def test_the_third_loss_in_a_row_ends_the_job_failed(db: QueueDatabase) -> None:
    job = db.enqueue(max_attempts=1)
    statuses = []

    for _ in range(3):
        [claimed] = db.claim(db.worker_for(job.id))
        db.settle(claimed, Outcome.LOST, error_type="WorkerLost", error_message="killed")
        statuses.append(db.job(job.id).status)

    assert ["queued", "queued", "failed"] == statuses
    assert "WorkerLost: killed" == db.job(job.id).error


def test_losses_count_only_in_a_row(db: QueueDatabase) -> None:
    job = db.enqueue(max_attempts=10, backoff_base_seconds=0.0)
    counts = []

    for outcome in ("lost", "lost", "failed", "lost", "interrupted", "lost", "lost"):
        [claimed] = db.claim(db.worker_for(job.id))
        db.settle(claimed, Outcome(outcome))
        counts.append(db.job(job.id).lost_count)

    assert [1, 2, 0, 1, 1, 2, 3] == counts
    assert JobStatus.FAILED == db.job(job.id).status


@pytest.mark.parametrize(
    ("outcome", "status", "failures", "losses"),
    [
        ("failed", "failed", FULL, 0),
        ("timed_out", "failed", FULL, 0),
        ("lost", "failed", FULL - 1, FULL),
        ("interrupted", "queued", FULL - 1, FULL),
    ],
)
def test_a_count_at_its_maximum_stays_there_and_the_job_ends(
    db: QueueDatabase, outcome: str, status: str, failures: int, losses: int
) -> None:
    job, neighbour = db.enqueue(max_attempts=FULL), db.enqueue()
    db.change(job.id, attempt=FULL, failure_count=FULL - 1, lost_count=FULL)

    [claimed] = db.claim(db.worker(quarantine=True))
    assert {(job.id, FULL): status} == db.settle(claimed, Outcome(outcome))

    row = db.job(job.id)
    assert (FULL, failures, losses) == (row.attempt, row.failure_count, row.lost_count)
    assert [neighbour.id] == [attempt.id for attempt in db.claim(db.worker())]


def test_a_failure_past_the_maximum_still_ends_the_job(db: QueueDatabase) -> None:
    claimed = db.claim_new(max_attempts=FULL)
    db.change(claimed.id, failure_count=FULL)

    assert {(claimed.id, 1): "failed"} == db.settle(claimed, Outcome.FAILED)


@pytest.mark.parametrize("outcome", ["snoozed", "interrupted"])
def test_a_started_at_most_once_job_records_why_it_ended(db: QueueDatabase, outcome: str) -> None:
    claimed = db.claim_new(delivery="at_most_once")

    db.settle(claimed, Outcome(outcome), delay_seconds=1.0)

    error = db.job(claimed.id).error
    assert "NeverStartedTwice: the job is at_most_once and had started" == error
