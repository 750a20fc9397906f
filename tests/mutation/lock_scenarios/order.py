"""A statement takes rows in their order."""

from collections.abc import Callable
from typing import Any

from queue_database import QueueDatabase

from mutation.lock_scenarios.registry import of
from mutation.lock_scenarios.sessions import (
    another,
    claim_statement,
    due_jobs,
    expired_jobs,
    finished_jobs,
    submitted,
    use_table_scans,
)
from pgqueue.core.lifecycle import JobStatus
from pgqueue.store import promotion, retention, supervisors, workers
from pgqueue.store.statement import run


@of("claim")
def jobs_are_claimed_by_priority_then_position(db: QueueDatabase) -> None:
    late, early, urgent = (db.enqueue(priority=priority) for priority in (0, 0, 1))
    for job in (late, urgent):
        db.change(job.id, position=job.position + 10)
    use_table_scans(db)

    claimed = run(db.link, claim_statement(db.worker(), 2))

    assert [urgent.id, early.id] == [attempt.id for attempt in claimed]


@of("promote")
def the_longest_due_job_is_promoted_first(db: QueueDatabase) -> None:
    late, early = due_jobs(db, 1, 2)
    use_table_scans(db)

    run(db.link, promotion.promote(1))

    assert [JobStatus.SCHEDULED, JobStatus.QUEUED] == [
        db.job(job_id).status for job_id in (late, early)
    ]


@of("expire")
def the_longest_expired_job_is_cancelled_first(db: QueueDatabase) -> None:
    late, early = expired_jobs(db, 1, 2)
    use_table_scans(db)

    run(db.link, retention.expire(1))

    assert [JobStatus.QUEUED, JobStatus.CANCELLED] == [
        db.job(job_id).status for job_id in (late, early)
    ]


@of("prune")
def the_longest_prunable_job_is_pruned_first(db: QueueDatabase) -> None:
    late, _ = finished_jobs(db, 1, 2)
    use_table_scans(db)

    run(db.link, retention.prune(1))

    assert [(late,)] == db.rows("select id from pgqueue.jobs")


def _check_id_order(db: QueueDatabase, statement: Callable[[list[int]], Any]) -> None:
    first, second = workers = sorted(db.worker() for _ in range(2))
    # The update puts the first worker behind the second in the table.
    db.rows("update pgqueue.workers set pid = 7 where id = %(id)s", id=first)
    use_table_scans(db)
    with another(db) as other:
        other.locks("workers", first)
        with submitted(db, statement(workers)) as answer:
            assert other.keeps_waiting(answer)
            is_free = other.can_lock("workers", second)
            other.raw.rollback()

        assert is_free
        result = answer.result()
        assert set(workers) == set(getattr(result, "renewed_ids", result))


@of("renew_leases")
def leases_are_renewed_in_id_order(db: QueueDatabase) -> None:
    _check_id_order(db, lambda ids: supervisors.renew(1, ids, 60))


@of("end_workers")
def workers_are_ended_in_id_order(db: QueueDatabase) -> None:
    _check_id_order(db, lambda ids: workers.end_workers(ids, "died", ""))
