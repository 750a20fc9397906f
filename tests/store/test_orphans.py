"""Running jobs whose worker has ended, and the outcome that its end means for each."""

import pytest
from queue_database import QueueDatabase

from pgqueue.core.lifecycle import Outcome
from pgqueue.store import orphans, workers
from pgqueue.store.statement import run


@pytest.mark.parametrize(
    ("reason", "overdue_outcome", "neighbour_outcome"),
    [
        ("died", "lost", "lost"),
        ("lease_expired", "lost", "lost"),
        ("finished", "lost", "lost"),
        ("stopped", "interrupted", "interrupted"),
        ("overdue", "timed_out", "interrupted"),
    ],
)
def test_the_end_of_a_worker_decides_the_outcome_of_each_of_its_jobs(
    db: QueueDatabase, reason: str, overdue_outcome: str, neighbour_outcome: str
) -> None:
    jobs = [db.enqueue(timeout_seconds=seconds) for seconds in (10.0, None, 60.0)]
    worker_id = db.worker()
    db.claim(worker_id)
    db.pass_time("deadline_at", 30)
    run(
        db.link,
        workers.end_workers([worker_id], reason, "detail", overdue_job_id=jobs[0].id),
    )

    answer = run(db.link, orphans.orphaned(0, 10))

    assert [
        (jobs[0].id, 1, worker_id, overdue_outcome, "detail", 10.0),
        (jobs[1].id, 1, worker_id, neighbour_outcome, "detail", None),
        (jobs[2].id, 1, worker_id, neighbour_outcome, "detail", 60.0),
    ] == [
        (job.id, job.attempt, job.worker_id, job.outcome, job.detail, job.timeout_seconds)
        for job in answer
    ]


def test_a_job_that_a_dead_worker_had_not_started_was_interrupted(db: QueueDatabase) -> None:
    started, waiting = db.enqueue(), db.enqueue()
    worker_id = db.worker()
    db.claim(worker_id)
    run(
        db.link,
        workers.end_workers([worker_id], "died", "killed", started_job_ids=[started.id]),
    )

    answer = run(db.link, orphans.orphaned(0, 10))

    assert [(started.id, "lost", True), (waiting.id, "interrupted", False)] == [
        (job.id, job.outcome, job.is_started) for job in answer
    ]


def test_a_worker_that_started_no_job_lost_no_job(db: QueueDatabase) -> None:
    claimed = db.claim_new()
    run(db.link, workers.end_workers([claimed.worker_id], "died", "killed", started_job_ids=[]))

    assert [False] == [job.is_started for job in run(db.link, orphans.orphaned(0, 10))]


def test_jobs_of_a_live_worker_are_not_orphaned(db: QueueDatabase) -> None:
    db.claim_new()

    assert [] == run(db.link, orphans.orphaned(0, 10))


def test_a_job_whose_worker_was_deleted_is_lost(db: QueueDatabase) -> None:
    claimed = db.claim_new()
    db.rows("delete from pgqueue.workers")

    [orphan] = run(db.link, orphans.orphaned(0, 10))

    assert (claimed.id, Outcome.LOST, "its row is gone") == (
        orphan.id,
        orphan.outcome,
        orphan.detail,
    )


def test_orphaned_jobs_are_listed_page_by_page(db: QueueDatabase) -> None:
    claimed = [db.claim_new() for _ in range(3)]
    run(db.link, workers.end_workers([attempt.worker_id for attempt in claimed], "died", "killed"))

    first = run(db.link, orphans.orphaned(0, 2))
    second = run(db.link, orphans.orphaned(first[-1].id, 2))

    assert [job.id for job in claimed] == [job.id for job in (*first, *second)]
    assert [] == run(db.link, orphans.orphaned(claimed[-1].id, 2))
