"""What each outcome does to its job: the table at the head of settle.sql, row by row."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.core.retry import Retry
from pgqueue.store import attempts, jobs, logs, retention, settlements
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.store.logs import NewLogLine
from pgqueue.store.settlements import Settlement
from pgqueue.store.statement import run

if TYPE_CHECKING:
    from tests.store.conftest import QueueDatabase

# The largest that a count can be.
FULL = 2**31 - 1

SITUATIONS: dict[str, dict[str, Any]] = {
    "charges left": {"max_attempts": 3},
    "none left": {"max_attempts": 1},
    "at_most_once, started": {"max_attempts": 3, "delivery": "at_most_once"},
    "at_most_once, not started": {"max_attempts": 3, "delivery": "at_most_once"},
    "cancel requested": {"max_attempts": 3},
}

#                   charges left   none left      at_most_once,  at_most_once,  cancel
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


def _settled(
    db: "QueueDatabase", outcome: str, situation: str, **changes: object
) -> ClaimedAttempt:
    """An attempt of a job in a situation, settled with an outcome."""
    held = db.claim_new(**SITUATIONS[situation])
    if situation == "cancel requested":
        db.rows("select pgqueue.cancel(%(id)s)", id=held.id)
    if changes:
        db.change(held.id, **changes)
    waited_seconds = None if situation == "at_most_once, not started" else 0.5
    delay_seconds = 60.0 if outcome == "snoozed" else None
    db.settle(held, Outcome(outcome), waited_seconds=waited_seconds, delay_seconds=delay_seconds)
    return held


def test_the_table_has_every_outcome() -> None:
    assert {outcome.value for outcome in Outcome} == TABLE.keys()


@pytest.mark.parametrize(("outcome", "situation", "status"), CASES)
def test_an_outcome_leads_to_its_status(
    db: "QueueDatabase", outcome: str, situation: str, status: str
) -> None:
    held = _settled(db, outcome, situation)

    job = db.job(held.id)
    assert status == job.status
    assert (status in WAITING) == (job.finished_at is None)
    assert (status in WAITING) == (job.worker_id is None)
    assert job.deadline_at is None
    assert 1 == job.attempt


@pytest.mark.parametrize(("outcome", "situation", "status"), CASES)
def test_an_outcome_counts_what_it_charges(
    db: "QueueDatabase", outcome: str, situation: str, status: str
) -> None:
    held = _settled(db, outcome, situation, failure_count=0, lost_count=1)

    job = db.job(held.id)
    assert (1 if outcome in ("failed", "timed_out") else 0) == job.failure_count
    assert {"lost": 2, "interrupted": 1}.get(outcome, 0) == job.lost_count


@pytest.mark.parametrize(("outcome", "situation", "status"), CASES)
def test_an_outcome_is_kept_as_long_as_its_status_says(
    db: "QueueDatabase", outcome: str, situation: str, status: str
) -> None:
    held = _settled(db, outcome, situation)

    (kept_seconds,) = db.row(
        "select extract(epoch from kept_until - finished_at)::float8"
        " from pgqueue.jobs where id = %(id)s",
        id=held.id,
    )
    if status in ("succeeded", "cancelled"):
        assert kept_seconds == pytest.approx(86_400, abs=1)
    else:
        assert kept_seconds is None


def test_a_cancelled_job_is_kept_for_a_day_whoever_cancelled_it(db: "QueueDatabase") -> None:
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
    db: "QueueDatabase", outcome: str, situation: str, status: str
) -> None:
    held = _settled(db, outcome, situation)

    [attempt] = run(db.link, _attempts_of(held))
    assert (held.id, 1, held.worker_id) == (attempt.job_id, attempt.attempt, attempt.worker_id)
    assert outcome == attempt.outcome
    assert (situation == "at_most_once, not started") == (attempt.started_at is None)
    assert db.job(held.id).started_at == attempt.started_at


@pytest.mark.parametrize("outcome", TABLE)
def test_only_a_success_that_is_not_kept_is_deleted(db: "QueueDatabase", outcome: str) -> None:
    held = db.claim_new(max_attempts=1, keep_seconds=0.0)
    run(
        db.link,
        logs.add_log_lines([NewLogLine(*_token(held), 0, "INFO", "shop", "half way", 1)]),
    )

    db.settle(held, Outcome(outcome), delay_seconds=60.0)

    left = db.row(
        "select (select count(*) from pgqueue.jobs), (select count(*) from pgqueue.attempts),"
        " (select count(*) from pgqueue.logs)"
    )
    assert ((0, 0, 0) if outcome == "succeeded" else (1, 1, 1)) == left


def test_a_deleted_success_takes_its_earlier_attempts_along(db: "QueueDatabase") -> None:
    held = db.claim_new(max_attempts=2, keep_seconds=0.0, backoff_base_seconds=0.0)
    db.settle(held, Outcome.FAILED)
    [again] = db.claim(db.worker())

    answer = db.settle(again, Outcome.SUCCEEDED)

    assert {(held.id, 2): JobStatus.SUCCEEDED} == answer
    assert (0,) == db.row("select count(*) from pgqueue.attempts")


def test_an_attempts_row_says_who_when_and_why(db: "QueueDatabase") -> None:
    held = db.claim_new()
    claimed_at = db.job(held.id).started_at
    assert claimed_at is not None

    db.settle(
        held,
        Outcome.FAILED,
        waited_seconds=1.5,
        error_type="shop.Broken",
        error_message="no stock",
        traceback="Traceback …",
    )

    [attempt] = run(db.link, _attempts_of(held))
    assert claimed_at + timedelta(seconds=1.5) == attempt.started_at
    assert ("shop.Broken", "no stock", "Traceback …") == (
        attempt.error_type,
        attempt.error_message,
        attempt.traceback,
    )
    assert "shop.Broken: no stock" == db.job(held.id).error


def test_a_result_is_stored_and_an_earlier_error_forgotten(db: "QueueDatabase") -> None:
    held = db.claim_new(max_attempts=2, backoff_base_seconds=0.0)
    db.settle(held, Outcome.FAILED, error_type="ValueError", error_message="")
    failed = db.job(held.id)
    [again] = db.claim(db.worker())

    db.settle(again, Outcome.SUCCEEDED, result='{"sent": [1, 2.5, null, "ü"]}')

    job = db.job(held.id)
    assert "ValueError" == failed.error
    assert (JobStatus.SUCCEEDED, {"sent": [1, 2.5, None, "ü"]}, None) == (
        job.status,
        job.result,
        job.error,
    )


def test_a_long_error_is_cut_in_the_job_and_whole_in_the_attempt(db: "QueueDatabase") -> None:
    held = db.claim_new()

    db.settle(held, Outcome.FAILED, error_type="Long", error_message="x" * 5_000)

    [attempt] = run(db.link, _attempts_of(held))
    assert 2_000 == len(db.job(held.id).error or "")
    assert 5_000 == len(attempt.error_message or "")


def test_an_error_that_does_not_count_as_retryable_ends_the_job(db: "QueueDatabase") -> None:
    held = db.claim_new(max_attempts=5)

    answer = db.settle(held, Outcome.FAILED, retryable=False)

    assert {(held.id, 1): JobStatus.FAILED} == answer


def test_the_third_loss_in_a_row_ends_the_job_failed(db: "QueueDatabase") -> None:
    job = db.enqueue(max_attempts=1)
    statuses = []

    for _ in range(3):
        [held] = db.claim(db.worker_for(job.id))
        db.settle(held, Outcome.LOST, error_type="WorkerLost", error_message="killed")
        statuses.append(db.job(job.id).status)

    assert ["queued", "queued", "failed"] == statuses
    assert "WorkerLost: killed" == db.job(job.id).error


def test_losses_count_only_in_a_row(db: "QueueDatabase") -> None:
    job = db.enqueue(max_attempts=10, backoff_base_seconds=0.0)
    counts = []

    for outcome in ("lost", "lost", "failed", "lost", "interrupted", "lost", "lost"):
        [held] = db.claim(db.worker_for(job.id))
        db.settle(held, Outcome(outcome))
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
    db: "QueueDatabase", outcome: str, status: str, failures: int, losses: int
) -> None:
    job, neighbour = db.enqueue(max_attempts=FULL), db.enqueue()
    db.change(job.id, attempt=FULL, failure_count=FULL - 1, lost_count=FULL)

    [held] = db.claim(db.worker(quarantine=True))
    assert {(job.id, FULL): status} == db.settle(held, Outcome(outcome))

    row = db.job(job.id)
    assert (FULL, failures, losses) == (row.attempt, row.failure_count, row.lost_count)
    assert [neighbour.id] == [each.id for each in db.claim(db.worker())]


def test_a_failure_past_the_maximum_is_one_more_failure_all_the_same(
    db: "QueueDatabase",
) -> None:
    held = db.claim_new(max_attempts=FULL)
    db.change(held.id, failure_count=FULL)

    assert {(held.id, 1): "failed"} == db.settle(held, Outcome.FAILED)


@pytest.mark.parametrize("outcome", ["snoozed", "interrupted"])
def test_a_started_at_most_once_job_says_why_it_ended(db: "QueueDatabase", outcome: str) -> None:
    held = db.claim_new(delivery="at_most_once")

    db.settle(held, Outcome(outcome), delay_seconds=1.0)

    error = db.job(held.id).error
    assert "NeverStartedTwice: the job is at_most_once and had started" == error


@pytest.mark.parametrize("outcome", ["failed", "snoozed"])
def test_a_given_delay_replaces_the_backoff(db: "QueueDatabase", outcome: str) -> None:
    held = db.claim_new(max_attempts=3, backoff_base_seconds=1000.0)

    db.settle(held, Outcome(outcome), delay_seconds=7.0)

    assert JobStatus.SCHEDULED == db.job(held.id).status
    assert _wait_seconds(db, held) == pytest.approx(7, abs=0.1)


@pytest.mark.parametrize("outcome", ["failed", "snoozed"])
def test_no_delay_queues_the_job_at_once_behind_the_others(
    db: "QueueDatabase", outcome: str
) -> None:
    held = db.claim_new(max_attempts=3)
    other = db.enqueue()

    db.settle(held, Outcome(outcome), delay_seconds=0.0)

    job = db.job(held.id)
    assert JobStatus.QUEUED == job.status
    assert other.position < job.position


@pytest.mark.parametrize("outcome", ["lost", "interrupted"])
def test_a_job_handed_back_is_due_at_once(db: "QueueDatabase", outcome: str) -> None:
    held = db.claim_new(max_attempts=3, run_after=-60.0)
    before = db.job(held.id)

    db.settle(held, Outcome(outcome))

    job = db.job(held.id)
    assert before.run_at < job.run_at
    assert before.position < job.position
    assert [held.id] == [each.id for each in db.claim(db.worker())]


def test_a_job_claimed_by_the_wrong_kind_of_worker_goes_to_the_right_one(
    db: "QueueDatabase",
) -> None:
    held = db.claim_new()

    db.settle(held, Outcome.INTERRUPTED, waited_seconds=None, executor="process")

    assert [] == db.claim(db.worker())
    assert [held.id] == [each.id for each in db.claim(db.worker(), executor="process")]


def test_many_attempts_are_settled_at_once_each_by_its_own_outcome(
    db: "QueueDatabase",
) -> None:
    for _ in range(4):
        db.enqueue()
    held = db.claim(db.worker())
    ended = [
        Settlement(each.id, each.attempt, each.worker_id, outcome)
        for each, outcome in zip(
            held[::-1],
            [Outcome.SUCCEEDED, Outcome.FAILED, Outcome.LOST, Outcome.CANCELLED],
            strict=True,
        )
    ]
    ended[0].worker_id += 1

    answer = run(db.link, settlements.settle(ended))

    assert {
        (held[2].id, 1): JobStatus.FAILED,
        (held[1].id, 1): JobStatus.QUEUED,
        (held[0].id, 1): JobStatus.CANCELLED,
    } == answer
    assert JobStatus.RUNNING == db.job(held[3].id).status


@pytest.mark.parametrize("wrong", ["id", "attempt", "worker_id"])
@pytest.mark.parametrize("outcome", TABLE)
@pytest.mark.parametrize("keep_seconds", [0.0, 60.0])
def test_an_attempt_that_is_no_longer_held_writes_nothing(
    db: "QueueDatabase", wrong: str, outcome: str, keep_seconds: float
) -> None:
    held = db.claim_new(keep_seconds=keep_seconds)
    before = _everything(db)
    token = {"id": held.id, "attempt": held.attempt, "worker_id": held.worker_id}
    token[wrong] += 1

    answer = run(
        db.link,
        settlements.settle([Settlement(**token, outcome=Outcome(outcome), delay_seconds=1.0)]),
    )

    assert {} == answer
    assert before == _everything(db)


@pytest.mark.parametrize("first", TABLE)
def test_an_attempt_is_settled_once(db: "QueueDatabase", first: str) -> None:
    held = db.claim_new(max_attempts=3)
    db.settle(held, Outcome(first), delay_seconds=60.0)
    before = _everything(db)

    answer = db.settle(held, Outcome.SUCCEEDED)

    assert {} == answer
    assert before == _everything(db)


policies = st.builds(
    Retry,
    max_attempts=st.just(10_000),
    backoff=st.sampled_from(["exponential", "linear", "fixed"]),
    base=st.floats(0.001, 31_622_400, allow_subnormal=False),
    max_delay=st.floats(0.001, 31_622_400, allow_subnormal=False),
    jitter=st.booleans(),
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(policy=policies, failures=st.integers(1, 9_999))
def test_the_row_waits_as_its_retry_policy_says(
    db: "QueueDatabase", policy: Retry, failures: int
) -> None:
    assert isinstance(policy.base, float)
    assert isinstance(policy.max_delay, float)
    held = db.claim_new(**policy.columns())
    db.change(held.id, failure_count=failures - 1)

    db.settle(held, Outcome.FAILED)

    growth = {"exponential": 2.0 ** min(failures - 1, 200), "linear": failures, "fixed": 1}
    longest = min(policy.base * growth[policy.backoff], policy.max_delay)
    shortest = longest / 2 if policy.jitter else longest
    wait = _wait_seconds(db, held)
    assert shortest - 0.001 <= wait <= longest + 0.1
    assert failures == db.job(held.id).failure_count


def test_jitter_spreads_the_waits(db: "QueueDatabase") -> None:
    for _ in range(50):
        db.enqueue(max_attempts=3, backoff="fixed", backoff_base_seconds=100.0)
    held = db.claim(db.worker())

    ended = [Settlement(each.id, 1, each.worker_id, Outcome.FAILED) for each in held]
    run(db.link, settlements.settle(ended))

    waits = sorted(_wait_seconds(db, each) for each in held)
    assert waits[0] < 65 < 85 < waits[-1]


def _wait_seconds(db: "QueueDatabase", held: ClaimedAttempt) -> float:
    (wait,) = db.row(
        """
        select extract(epoch from job.run_at - attempt.finished_at)::float8
        from pgqueue.jobs as job
        join pgqueue.attempts as attempt on attempt.job_id = job.id
        where job.id = %(id)s
        """,
        id=held.id,
    )
    assert isinstance(wait, float)
    return wait


def _token(held: ClaimedAttempt) -> tuple[int, int, int]:
    return held.id, held.attempt, held.worker_id


def _attempts_of(held: ClaimedAttempt) -> Any:
    return attempts.attempts_of(held.id)


def _everything(db: "QueueDatabase") -> Any:
    return [
        [
            json.loads(row[0])
            for row in db.rows(f"select to_jsonb(t)::text from pgqueue.{t} as t order by 1")
        ]
        for t in ("jobs", "attempts", "logs")
    ]
