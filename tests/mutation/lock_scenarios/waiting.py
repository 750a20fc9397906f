"""A statement waits for a change that another session is about to commit, and reads it."""

from typing import Any

from queue_database import QueueDatabase

from mutation.lock_scenarios.registry import of
from mutation.lock_scenarios.sessions import another, at_once, claim_statement, submitted
from pgqueue.store import claims, supervisors, workers
from pgqueue.store.claims import ClaimedAttempt


def _lock(claimed: ClaimedAttempt) -> Any:
    return claims.lock_attempt(claimed.id, claimed.attempt, claimed.worker_id)


@of("lock_attempt")
def an_attempt_that_is_being_revoked_cannot_be_locked(db: QueueDatabase) -> None:
    claimed = db.claim_new()
    with another(db) as other:
        other.writes("update pgqueue.jobs set status = 'queued' where id = %s", claimed.id)
        with submitted(db, _lock(claimed)) as answer:
            other.keeps_waiting(answer)
            other.raw.commit()

    assert answer.result() is False


@of("lock_attempt")
def an_attempt_can_be_locked_after_another_lock_was_rolled_back(db: QueueDatabase) -> None:
    claimed = db.claim_new()
    with another(db) as other:
        other.locks("jobs", claimed.id)
        with submitted(db, _lock(claimed)) as answer:
            other.keeps_waiting(answer)
            other.raw.rollback()

    assert answer.result() is True


@of("renew_leases")
def a_worker_that_is_being_ended_is_not_renewed(db: QueueDatabase) -> None:
    ended, alive = db.worker(), db.worker()
    with another(db) as other:
        other.writes("update pgqueue.workers set stopped_at = now() where id = %s", ended)
        with submitted(db, supervisors.renew(1, [ended, alive], 60)) as answer:
            other.keeps_waiting(answer)
            other.raw.commit()

    assert {alive} == answer.result().renewed_ids


@of("renew_leases")
def a_locked_worker_is_renewed_after_the_lock(db: QueueDatabase) -> None:
    worker = db.worker()
    with another(db) as other:
        other.locks("workers", worker)
        with submitted(db, supervisors.renew(1, [worker], 60)) as answer:
            other.keeps_waiting(answer)
            other.raw.rollback()

    assert {worker} == answer.result().renewed_ids


@of("renew_leases")
def a_renewal_does_not_wait_for_a_claim(db: QueueDatabase) -> None:
    worker = db.worker()
    with another(db) as other:
        other.locks("workers", worker, "key share")

        assert {worker} == at_once(db, supervisors.renew(1, [worker], 60)).renewed_ids


@of("end_workers")
def the_end_of_a_worker_waits_for_its_open_claim(db: QueueDatabase) -> None:
    worker = db.worker()
    with another(db) as other:
        other.locks("workers", worker, "key share")
        with submitted(db, workers.end_workers([worker], "died", "")) as answer:
            has_waited = other.keeps_waiting(answer)
            other.raw.rollback()

    assert has_waited
    assert [worker] == answer.result()


@of("claim")
def a_worker_that_is_being_ended_claims_nothing(db: QueueDatabase) -> None:
    worker = db.worker()
    db.enqueue()
    with another(db) as other:
        other.writes("select from pgqueue.workers where id = %s for update", worker)
        other.writes("update pgqueue.workers set stopped_at = now() where id = %s", worker)
        with submitted(db, claim_statement(worker, 1)) as answer:
            other.keeps_waiting(answer)
            other.raw.commit()

    assert [] == answer.result()


@of("claim")
def a_worker_whose_end_was_rolled_back_claims(db: QueueDatabase) -> None:
    worker, job = db.worker(), db.enqueue()
    with another(db) as other:
        other.locks("workers", worker, "update")
        with submitted(db, claim_statement(worker, 1)) as answer:
            other.keeps_waiting(answer)
            other.raw.rollback()

    assert [job.id] == [attempt.id for attempt in answer.result()]


@of("claim")
def a_claim_does_not_wait_for_a_renewal(db: QueueDatabase) -> None:
    worker, job = db.worker(), db.enqueue()
    with another(db) as other:
        other.locks("workers", worker)

        assert [job.id] == [attempt.id for attempt in at_once(db, claim_statement(worker, 1))]


def _leases(db: QueueDatabase) -> list[int]:
    """Two workers after an outage: a lease of a minute, and an expired one."""
    db.rows("insert into pgqueue.contact values (true, clock_timestamp() - interval '10 min')")
    return [db.worker(), db.worker(lease_seconds=-1)]


@of("expire_leases")
def an_outage_that_is_being_recorded_is_recorded_once(db: QueueDatabase) -> None:
    live, expired = _leases(db)
    lease = "select lease_until from pgqueue.workers where id = %(id)s"
    before = db.row(lease, id=live)
    with another(db) as other:
        other.writes("update pgqueue.contact set contact_at = clock_timestamp()")
        with submitted(db, workers.expire_leases(30.0)) as answer:
            other.keeps_waiting(answer)
            other.raw.commit()

    assert [expired] == answer.result()
    assert before == db.row(lease, id=live)


@of("expire_leases")
def an_outage_that_another_session_did_not_record_is_recorded(db: QueueDatabase) -> None:
    _leases(db)
    with another(db) as other:
        other.writes("update pgqueue.contact set contact_at = clock_timestamp()")
        with submitted(db, workers.expire_leases(30.0)) as answer:
            other.keeps_waiting(answer)
            other.raw.rollback()

    assert [] == answer.result()
