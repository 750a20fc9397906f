"""An attempt whose job was rescued writes nothing, whatever happened to the job since."""

from collections.abc import Callable
from typing import Any

import pytest
from queue_database import QueueDatabase

from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.maintenance.lease_expiry import end_expired
from pgqueue.store import claims, jobs, logs, progress, retention
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.store.logs import NewLogLine
from pgqueue.store.progress import Progress
from pgqueue.store.statement import run

_QUERIES = [
    "select * from pgqueue.jobs order by id",
    "select * from pgqueue.attempts order by job_id, attempt",
    "select * from pgqueue.logs order by id",
]


def _rescued(db: QueueDatabase, **options: Any) -> ClaimedAttempt:
    """An attempt whose lease expired and whose job was rescued."""
    claimed = db.claim_new(max_attempts=3, **options)
    db.rows(
        "update pgqueue.workers set lease_until = clock_timestamp() - interval '1 s'"
        " where id = %(id)s",
        id=claimed.worker_id,
    )
    end_expired(db.link, 30.0)
    return claimed


def _second_claim(db: QueueDatabase, claimed: ClaimedAttempt) -> ClaimedAttempt:
    [second] = db.claim(db.worker())
    assert (claimed.id, claimed.attempt + 1) == (second.id, second.attempt)
    return second


def second_waits(db: QueueDatabase, claimed: ClaimedAttempt) -> None:
    """The job is queued again, and no worker has claimed it."""


def second_runs(db: QueueDatabase, claimed: ClaimedAttempt) -> None:
    """Another worker runs the job."""
    _second_claim(db, claimed)


def second_finished(db: QueueDatabase, claimed: ClaimedAttempt) -> None:
    """Another worker finished the job."""
    db.settle(_second_claim(db, claimed), Outcome.SUCCEEDED)


def second_failed(db: QueueDatabase, claimed: ClaimedAttempt) -> None:
    """The job failed in another worker, and is due later."""
    db.settle(_second_claim(db, claimed), Outcome.FAILED)


def cancelled(db: QueueDatabase, claimed: ClaimedAttempt) -> None:
    """The job was cancelled while it waited."""
    run(db.link, jobs.cancel(jobs.JobSelection([claimed.id])))


def cancelled_while_second_runs(db: QueueDatabase, claimed: ClaimedAttempt) -> None:
    """A cancellation was requested while another worker ran the job."""
    _second_claim(db, claimed)
    run(db.link, jobs.cancel(jobs.JobSelection([claimed.id])))


def third_runs(db: QueueDatabase, claimed: ClaimedAttempt) -> None:
    """The job succeeded and was retried, and a third worker runs it."""
    second = _second_claim(db, claimed)
    db.settle(second, Outcome.SUCCEEDED)
    run(db.link, jobs.retry(jobs.JobSelection([claimed.id])))
    _second_claim(db, second)


def pruned(db: QueueDatabase, claimed: ClaimedAttempt) -> None:
    """The job was finished and pruned."""
    db.settle(_second_claim(db, claimed), Outcome.SUCCEEDED)
    db.rows("update pgqueue.jobs set kept_until = clock_timestamp()")
    run(db.link, retention.prune(10))


HISTORIES = [
    *(second_waits, second_runs, second_finished, second_failed),
    *(cancelled, cancelled_while_second_runs, third_runs, pruned),
]


@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history.__name__)
def test_a_zombie_changes_nothing(
    db: QueueDatabase, history: Callable[[QueueDatabase, ClaimedAttempt], None]
) -> None:
    claimed = _rescued(db)
    history(db, claimed)
    token = (claimed.id, claimed.attempt, claimed.worker_id)
    before = [db.rows(query) for query in _QUERIES]

    assert not run(db.link, claims.lock_attempt(*token))
    for outcome in Outcome:
        assert {} == db.settle(claimed, outcome)
    run(db.link, progress.write_progress([Progress(*token, 1.0, "late")]))
    run(db.link, logs.add_log_lines([NewLogLine(*token, 0.0, "INFO", "shop", "late", 1)]))
    assert [] == run(db.link, claims.claims_of(claimed.worker_id))
    assert [] == db.claim(claimed.worker_id)

    assert before == [db.rows(query) for query in _QUERIES]


@pytest.mark.parametrize("history", [second_runs, third_runs], ids=lambda history: history.__name__)
def test_a_zombie_does_not_disturb_the_attempt_that_owns_the_job(
    db: QueueDatabase, history: Callable[[QueueDatabase, ClaimedAttempt], None]
) -> None:
    claimed = _rescued(db)
    history(db, claimed)
    db.settle(claimed, Outcome.FAILED)
    owner = db.job(claimed.id)

    ended = ClaimedAttempt(owner.id, owner.attempt, owner.worker_id or 0, "", "", "", None, 0, 0)
    answer = db.settle(ended, Outcome.SUCCEEDED)

    assert {(owner.id, owner.attempt): JobStatus.SUCCEEDED} == answer
