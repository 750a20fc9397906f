"""A statement skips rows that another session has locked."""

from collections.abc import Callable, Sequence
from typing import Any

from queue_database import QueueDatabase

from mutation.lock_scenarios.registry import of
from mutation.lock_scenarios.sessions import (
    another,
    at_once,
    claim_statement,
    due_jobs,
    end_leases,
    expired_jobs,
    finished_jobs,
    settle_statement,
    use_table_scans,
)
from pgqueue.core.lifecycle import JobStatus
from pgqueue.store import logs, progress, promotion, retention, supervisors, workers
from pgqueue.store.logs import NewLogLine
from pgqueue.store.progress import Progress
from pgqueue.store.statement import run


@of("settle")
def a_settlement_of_a_locked_job_is_skipped_and_the_others_are_written(db: QueueDatabase) -> None:
    locked, free = db.claim_new(), db.claim_new()
    with another(db) as other:
        other.locks("jobs", locked.id)

        answer = at_once(db, settle_statement(locked, free))

    assert {(locked.id, 1): None, (free.id, 1): JobStatus.SUCCEEDED} == answer


@of("settle")
def a_settlement_of_a_referenced_job_to_be_deleted_is_skipped(db: QueueDatabase) -> None:
    referred, free = db.claim_new(keep_seconds=0.0), db.claim_new(keep_seconds=0.0)
    with another(db) as other:
        other.locks("jobs", referred.id, "key share")

        answer = at_once(db, settle_statement(referred, free))

    assert {(referred.id, 1): None, (free.id, 1): JobStatus.SUCCEEDED} == answer


@of("add_log_lines")
def a_log_line_is_dropped_during_a_deletion_of_its_job_and_written_during_a_change(
    db: QueueDatabase,
) -> None:
    deleted, changed = db.claim_new(keep_seconds=0.0), db.claim_new(keep_seconds=0.0)
    lines = [
        NewLogLine(attempt.id, 1, attempt.worker_id, 0.0, "INFO", "shop", "half", 1)
        for attempt in (deleted, changed)
    ]
    with another(db) as other:
        other.locks("jobs", deleted.id, "update")
        other.locks("jobs", changed.id, "no key update")

        at_once(db, logs.add_log_lines(lines))

    assert [(changed.id,)] == db.rows("select job_id from pgqueue.logs")


@of("write_progress")
def progress_of_a_locked_job_is_dropped(db: QueueDatabase) -> None:
    locked, free = db.claim_new(), db.claim_new()
    reports = [
        Progress(attempt.id, 1, attempt.worker_id, 0.5, "half") for attempt in (locked, free)
    ]
    with another(db) as other:
        other.locks("jobs", locked.id)

        at_once(db, progress.write_progress(reports))

    assert (None, 0.5) == (db.job(locked.id).progress, db.job(free.id).progress)


@of("claim")
def a_claim_skips_a_locked_job(db: QueueDatabase) -> None:
    locked, free, worker = db.enqueue(), db.enqueue(), db.worker()
    with another(db) as other:
        other.locks("jobs", locked.id)

        claimed = at_once(db, claim_statement(worker, 1))

    assert [free.id] == [attempt.id for attempt in claimed]


@of("promote")
def a_promotion_skips_a_locked_job(db: QueueDatabase) -> None:
    locked, free = due_jobs(db, 2, 1)
    with another(db) as other:
        other.locks("jobs", locked)

        assert 1 == at_once(db, promotion.promote(1))

    assert [JobStatus.SCHEDULED, JobStatus.QUEUED] == [
        db.job(job_id).status for job_id in (locked, free)
    ]


@of("first_scheduled")
def the_first_scheduled_job_is_not_a_locked_one(db: QueueDatabase) -> None:
    _check_first(db, due_jobs, promotion.first_scheduled)


@of("first_expired")
def the_first_expired_job_is_not_a_locked_one(db: QueueDatabase) -> None:
    _check_first(db, expired_jobs, retention.first_expired)


@of("first_prunable")
def the_first_prunable_job_is_not_a_locked_one(db: QueueDatabase) -> None:
    _check_first(db, finished_jobs, retention.first_prunable)


def _check_first(
    db: QueueDatabase, insert: Callable[..., list[int]], first: Callable[[Sequence[int]], Any]
) -> None:
    free, locked = insert(db, 1, 2)
    use_table_scans(db)
    with another(db) as other:
        other.locks("jobs", locked)

        assert free == at_once(db, first([]))[0]

    assert locked == run(db.link, first([]))[0]


@of("expire")
def an_expiry_skips_a_locked_job(db: QueueDatabase) -> None:
    locked, free = expired_jobs(db, 2, 1)
    with another(db) as other:
        other.locks("jobs", locked)

        assert 1 == at_once(db, retention.expire(1))

    assert [JobStatus.QUEUED, JobStatus.CANCELLED] == [
        db.job(job_id).status for job_id in (locked, free)
    ]


@of("prune")
def a_prune_skips_a_locked_job(db: QueueDatabase) -> None:
    locked, _ = finished_jobs(db, 2, 1)
    with another(db) as other:
        other.locks("jobs", locked)

        assert 1 == at_once(db, retention.prune(1))

    assert [(locked,)] == db.rows("select id from pgqueue.jobs")


@of("expire_leases")
def a_lease_expiry_skips_a_locked_worker(db: QueueDatabase) -> None:
    claims, renewed, free = ids = [db.worker() for _ in range(3)]
    end_leases(db, ids)
    with another(db) as other:
        other.locks("workers", claims, "key share")
        other.locks("workers", renewed)

        assert [free] == at_once(db, workers.expire_leases(30.0))


@of("expire_leases")
def a_lease_that_is_being_renewed_is_not_extended(db: QueueDatabase) -> None:
    db.rows("insert into pgqueue.contact values (true, clock_timestamp() - interval '10 min')")
    renewed, free = db.worker(lease_seconds=-1), db.worker(lease_seconds=-1)
    with another(db) as other:
        other.locks("workers", renewed)

        assert [] == at_once(db, workers.expire_leases(30.0))

    assert [(free,)] == db.rows(
        "select id from pgqueue.workers where lease_until > clock_timestamp()"
    )


@of("renew_leases")
def a_renewal_does_not_wait_for_another_one_to_record_the_contact(db: QueueDatabase) -> None:
    db.rows("insert into pgqueue.contact default values")
    worker = db.worker()
    with another(db) as other:
        other.writes("select from pgqueue.contact for no key update")

        assert {worker} == at_once(db, supervisors.renew(1, [worker], 60)).renewed_ids
