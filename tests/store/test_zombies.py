"""An attempt that was taken away writes nothing, whatever became of its job meanwhile."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.maintenance.lease_expiry import end_expired
from pgqueue.store import claims, jobs, logs, progress, retention
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.store.logs import NewLogLine
from pgqueue.store.progress import Progress
from pgqueue.store.statement import run

if TYPE_CHECKING:
    from tests.store.conftest import QueueDatabase

_ALL = [
    "select * from pgqueue.jobs order by id",
    "select * from pgqueue.attempts order by job_id, attempt",
    "select * from pgqueue.logs order by id",
]


def _taken_away(db: "QueueDatabase", **options: Any) -> ClaimedAttempt:
    """An attempt whose lease ended, and whose job was rescued."""
    held = db.claim_new(max_attempts=3, **options)
    db.rows(
        "update pgqueue.workers set lease_until = clock_timestamp() - interval '1 s'"
        " where id = %(id)s",
        id=held.worker_id,
    )
    end_expired(db.link)
    return held


def _again(db: "QueueDatabase", held: ClaimedAttempt) -> ClaimedAttempt:
    [second] = db.claim(db.worker())
    assert (held.id, held.attempt + 1) == (second.id, second.attempt)
    return second


def second_waits(db: "QueueDatabase", held: ClaimedAttempt) -> None:
    """It is queued again, and nobody has claimed it yet."""


def second_runs(db: "QueueDatabase", held: ClaimedAttempt) -> None:
    """Another worker runs it."""
    _again(db, held)


def second_finished(db: "QueueDatabase", held: ClaimedAttempt) -> None:
    """Another worker finished it."""
    db.settle(_again(db, held), Outcome.SUCCEEDED)


def second_failed(db: "QueueDatabase", held: ClaimedAttempt) -> None:
    """Another worker failed it, and it is due later."""
    db.settle(_again(db, held), Outcome.FAILED)


def cancelled(db: "QueueDatabase", held: ClaimedAttempt) -> None:
    """Somebody cancelled it while it waited."""
    run(db.link, jobs.cancel(jobs.JobSelection([held.id])))


def cancelled_while_second_runs(db: "QueueDatabase", held: ClaimedAttempt) -> None:
    """Somebody asked to cancel it while another worker ran it."""
    _again(db, held)
    run(db.link, jobs.cancel(jobs.JobSelection([held.id])))


def third_runs(db: "QueueDatabase", held: ClaimedAttempt) -> None:
    """It succeeded, somebody retried it, and a third worker runs it."""
    second = _again(db, held)
    db.settle(second, Outcome.SUCCEEDED)
    run(db.link, jobs.retry(jobs.JobSelection([held.id])))
    _again(db, second)


def pruned(db: "QueueDatabase", held: ClaimedAttempt) -> None:
    """It was finished and pruned."""
    db.settle(_again(db, held), Outcome.SUCCEEDED)
    db.rows("update pgqueue.jobs set kept_until = clock_timestamp()")
    run(db.link, retention.prune(10))


ORDERS = [
    *(second_waits, second_runs, second_finished, second_failed),
    *(cancelled, cancelled_while_second_runs, third_runs, pruned),
]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.__name__)
def test_a_zombie_changes_nothing(
    db: "QueueDatabase", order: Callable[["QueueDatabase", ClaimedAttempt], None]
) -> None:
    held = _taken_away(db)
    order(db, held)
    token = (held.id, held.attempt, held.worker_id)
    before = [db.rows(question) for question in _ALL]

    assert not run(db.link, claims.lock_attempt(*token))
    for outcome in Outcome:
        assert {} == db.settle(held, outcome)
    run(db.link, progress.write_progress([Progress(*token, 1.0, "late")]))
    run(db.link, logs.add_log_lines([NewLogLine(*token, 0.0, "INFO", "shop", "late", 1)]))
    assert [] == run(db.link, claims.claims_of(held.worker_id))
    assert [] == db.claim(held.worker_id)

    assert before == [db.rows(question) for question in _ALL]


@pytest.mark.parametrize("order", [second_runs, third_runs], ids=lambda order: order.__name__)
def test_whoever_holds_the_job_now_is_not_disturbed_by_a_zombie(
    db: "QueueDatabase", order: Callable[["QueueDatabase", ClaimedAttempt], None]
) -> None:
    held = _taken_away(db)
    order(db, held)
    db.settle(held, Outcome.FAILED)
    holder = db.job(held.id)

    ended = ClaimedAttempt(holder.id, holder.attempt, holder.worker_id or 0, "", "", "", None, 0, 0)
    answer = db.settle(ended, Outcome.SUCCEEDED)

    assert {(holder.id, holder.attempt): JobStatus.SUCCEEDED} == answer
