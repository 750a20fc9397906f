"""A settlement changes only the attempt that its token names, and only once."""

import json
from typing import Any

import pytest
from queue_database import QueueDatabase

from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.store import settlements
from pgqueue.store.settlements import Settlement
from pgqueue.store.statement import run

OUTCOMES = [outcome.value for outcome in Outcome]


def test_each_settlement_of_a_batch_has_its_own_outcome(db: QueueDatabase) -> None:
    for _ in range(4):
        db.enqueue()
    claimed = db.claim(db.worker())
    batch = [
        Settlement(attempt.id, attempt.attempt, attempt.worker_id, outcome)
        for attempt, outcome in zip(
            claimed[::-1],
            [Outcome.SUCCEEDED, Outcome.FAILED, Outcome.LOST, Outcome.CANCELLED],
            strict=True,
        )
    ]
    batch[0].worker_id += 1

    answer = run(db.link, settlements.settle(batch))

    assert {
        (claimed[2].id, 1): JobStatus.FAILED,
        (claimed[1].id, 1): JobStatus.QUEUED,
        (claimed[0].id, 1): JobStatus.CANCELLED,
    } == answer
    assert JobStatus.RUNNING == db.job(claimed[3].id).status


@pytest.mark.parametrize("wrong", ["id", "attempt", "worker_id"])
@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("keep_seconds", [0.0, 60.0])
def test_an_attempt_with_a_wrong_token_writes_nothing(
    db: QueueDatabase, wrong: str, outcome: str, keep_seconds: float
) -> None:
    claimed = db.claim_new(keep_seconds=keep_seconds)
    before = _everything(db)
    token = {"id": claimed.id, "attempt": claimed.attempt, "worker_id": claimed.worker_id}
    token[wrong] += 1

    answer = run(
        db.link,
        settlements.settle([Settlement(**token, outcome=Outcome(outcome), delay_seconds=1.0)]),
    )

    assert {} == answer
    assert before == _everything(db)


@pytest.mark.parametrize("first", OUTCOMES)
def test_an_attempt_is_settled_once(db: QueueDatabase, first: str) -> None:
    claimed = db.claim_new(max_attempts=3)
    db.settle(claimed, Outcome(first), delay_seconds=60.0)
    before = _everything(db)

    answer = db.settle(claimed, Outcome.SUCCEEDED)

    assert {} == answer
    assert before == _everything(db)


def _everything(db: QueueDatabase) -> Any:
    return [
        [
            json.loads(row[0])
            for row in db.rows(f"select to_jsonb(t)::text from pgqueue.{t} as t order by 1")
        ]
        for t in ("jobs", "attempts", "logs")
    ]
