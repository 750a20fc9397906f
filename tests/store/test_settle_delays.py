"""When a settled job is due again: the delay of the settlement, or the backoff of its row."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from queue_database import QueueDatabase
from settling import wait_seconds

from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.core.retry import Retry
from pgqueue.store import settlements
from pgqueue.store.settlements import Settlement
from pgqueue.store.statement import run


@pytest.mark.parametrize("outcome", ["failed", "snoozed"])
def test_a_delay_of_the_settlement_replaces_the_backoff(db: QueueDatabase, outcome: str) -> None:
    claimed = db.claim_new(max_attempts=3, backoff_base_seconds=1000.0)

    db.settle(claimed, Outcome(outcome), delay_seconds=7.0)

    assert JobStatus.SCHEDULED == db.job(claimed.id).status
    assert wait_seconds(db, claimed) == pytest.approx(7, abs=0.1)


@pytest.mark.parametrize("outcome", ["failed", "snoozed"])
def test_a_delay_of_zero_queues_the_job_behind_the_others(db: QueueDatabase, outcome: str) -> None:
    claimed = db.claim_new(max_attempts=3)
    other = db.enqueue()

    db.settle(claimed, Outcome(outcome), delay_seconds=0.0)

    job = db.job(claimed.id)
    assert JobStatus.QUEUED == job.status
    assert other.position < job.position


@pytest.mark.parametrize("outcome", ["lost", "interrupted"])
def test_a_job_returned_to_the_queue_is_due_at_once(db: QueueDatabase, outcome: str) -> None:
    claimed = db.claim_new(max_attempts=3, run_after=-60.0)
    before = db.job(claimed.id)

    db.settle(claimed, Outcome(outcome))

    job = db.job(claimed.id)
    assert before.run_at < job.run_at
    assert before.position < job.position
    assert [claimed.id] == [attempt.id for attempt in db.claim(db.worker())]


def test_a_job_claimed_by_the_wrong_kind_of_worker_goes_to_the_right_one(db: QueueDatabase) -> None:
    claimed = db.claim_new()

    db.settle(claimed, Outcome.INTERRUPTED, waited_seconds=None, executor="process")

    assert [] == db.claim(db.worker())
    assert [claimed.id] == [attempt.id for attempt in db.claim(db.worker(), executor="process")]


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
def test_a_failed_job_waits_as_its_retry_policy_says(
    db: QueueDatabase, policy: Retry, failures: int
) -> None:
    assert isinstance(policy.base, float)
    assert isinstance(policy.max_delay, float)
    claimed = db.claim_new(**policy.columns())
    db.change(claimed.id, failure_count=failures - 1)

    db.settle(claimed, Outcome.FAILED)

    growth = {"exponential": 2.0 ** min(failures - 1, 200), "linear": failures, "fixed": 1}
    longest = min(policy.base * growth[policy.backoff], policy.max_delay)
    shortest = longest / 2 if policy.jitter else longest
    wait = wait_seconds(db, claimed)
    assert shortest - 0.001 <= wait <= longest + 0.1
    assert failures == db.job(claimed.id).failure_count


def test_jitter_spreads_the_waits(db: QueueDatabase) -> None:
    for _ in range(50):
        db.enqueue(max_attempts=3, backoff="fixed", backoff_base_seconds=100.0)
    claimed = db.claim(db.worker())

    batch = [Settlement(attempt.id, 1, attempt.worker_id, Outcome.FAILED) for attempt in claimed]
    run(db.link, settlements.settle(batch))

    waits = sorted(wait_seconds(db, attempt) for attempt in claimed)
    assert waits[0] < 65 < 85 < waits[-1]
