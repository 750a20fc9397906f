"""The rows of workers and supervisors: overdue jobs, leases, requests, recorded tasks."""

import psycopg
import pytest
from queue_database import QueueDatabase
from registering import supervisor

from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.store import jobs, requests, supervisors, tasks, workers
from pgqueue.store.statement import run
from pgqueue.store.workers import OverdueJob


def test_a_job_is_overdue_only_after_the_grace(db: QueueDatabase) -> None:
    db.enqueue(timeout_seconds=10.0)
    db.enqueue(timeout_seconds=10.0)
    worker_id = db.worker(supervisor_id=7)
    claimed = db.claim(worker_id)
    db.pass_time("deadline_at", 15)

    def overdue_of(supervisor_id: int, grace_seconds: float) -> list[OverdueJob]:
        return run(db.link, workers.overdue_jobs(supervisor_id, grace_seconds))

    overdue = overdue_of(7, 2)
    assert {(worker_id, attempt.id) for attempt in claimed} == {
        (job.worker_id, job.job_id) for job in overdue
    }
    assert overdue[0].overdue_seconds == pytest.approx(5, abs=0.5)
    assert [] == overdue_of(7, 10)
    assert [] == overdue_of(8, 2)


def test_a_request_to_cancel_a_running_job_is_read_by_its_supervisor(db: QueueDatabase) -> None:
    db.enqueue()
    worker_id = db.worker(supervisor_id=7)
    [claimed] = db.claim(worker_id)
    db.rows("select pgqueue.cancel(%(id)s)", id=claimed.id)

    [request] = run(db.link, requests.open_requests(7))

    assert (worker_id, claimed.id, 1, True) == (
        request.worker_id,
        request.job_id,
        request.attempt,
        request.is_running,
    )
    assert [] == run(db.link, requests.open_requests(8))


def test_a_request_is_closed_once_its_attempt_is_over(db: QueueDatabase) -> None:
    claimed = db.claim_new()
    db.rows("select pgqueue.cancel(%(id)s)", id=claimed.id)
    db.settle(claimed, Outcome.CANCELLED)

    [request] = run(db.link, requests.open_requests(1))
    closed = run(db.link, requests.close_requests([request.id]))

    assert (False, 1) == (request.is_running, closed)
    assert [] == run(db.link, requests.open_requests(1))
    assert (True, None) == db.row("select answered_at is not null, answer from pgqueue.requests")


def test_a_lease_renewal_records_the_usage_of_the_supervisor(db: QueueDatabase) -> None:
    supervisor_id = supervisor(db.link, "mail", "news/")
    db.rows("update pgqueue.supervisors set last_seen_at = last_seen_at - interval '1 min'")

    run(db.link, supervisors.renew(supervisor_id, [], 60, slots=8, busy_slots=3, run_seconds=0.25))

    assert ("here", 1, "0.1.0", ["mail"], ["news/"], 8, 3, 0.25, True) == db.row(
        "select host, pid, version, queues, prefixes, slots, busy_slots, run_seconds,"
        " last_seen_at > clock_timestamp() - interval '30 s' from pgqueue.supervisors"
    )


def test_a_worker_whose_lease_expired_is_ended_once(db: QueueDatabase) -> None:
    expired_worker = db.worker(lease_seconds=-1)
    db.worker(lease_seconds=60)

    assert [expired_worker] == run(db.link, workers.expire_leases(30.0))
    assert [] == run(db.link, workers.expire_leases(30.0))
    assert ("lease_expired",) == db.row(
        "select stop_reason from pgqueue.workers where id = %(id)s", id=expired_worker
    )


def test_an_ended_worker_is_neither_renewed_nor_ended_again(db: QueueDatabase) -> None:
    dead, alive = (db.worker(supervisor_id=7) for _ in range(2))
    run(db.link, workers.end_workers([dead], "died", "killed"))

    renewal = run(db.link, supervisors.renew(7, [dead, alive], 60))
    assert ({alive}, set()) == (renewal.renewed_ids, renewal.foreign_ids)
    assert [] == run(db.link, workers.end_workers([dead], "stopped", "a second end"))


def test_no_identity_comes_back_after_every_counter_was_reset(db: QueueDatabase) -> None:
    def identities() -> set[int]:
        supervisor_ids = [supervisor(db.link) for _ in range(3)]
        return {*supervisor_ids, *(db.worker(supervisor_id=supervisor_ids[0]) for _ in range(3))}

    before = identities()
    db.rows("truncate pgqueue.workers, pgqueue.supervisors restart identity")
    after = identities()

    assert set() == before & after
    assert 12 == len(before | after)
    assert all(0 < identity < 2**53 for identity in before | after)


def test_tasks_are_recorded_again_only_when_they_changed(db: QueueDatabase) -> None:
    mail = {
        "name": "shop.mail",
        "signature": "(to: str)",
        "docstring": "Send it.",
        "options": {"queue": "mail"},
        "aliases": ["shop.send"],
    }
    run(db.link, tasks.record_tasks([mail]))
    first = db.row("select xmin::text, signature from pgqueue.tasks")

    run(db.link, tasks.record_tasks([mail]))
    unchanged = db.row("select xmin::text, signature from pgqueue.tasks")
    run(db.link, tasks.record_tasks([{**mail, "signature": "(to: str, cc: str)"}]))
    changed = db.row("select xmin::text, signature from pgqueue.tasks")

    assert first == unchanged
    assert "(to: str, cc: str)" == changed[1]


def test_a_request_is_not_dropped_where_its_id_is_in_use(db: QueueDatabase) -> None:
    first, second = db.claim_new(), db.claim_new()
    run(db.link, jobs.cancel(jobs.JobSelection([first.id])))
    db.rows("select setval('pgqueue.requests_id_seq', 1, false)")

    with pytest.raises(psycopg.errors.UniqueViolation, match="requests_pkey"):
        run(db.link, jobs.cancel(jobs.JobSelection([second.id])))
    again = run(db.link, jobs.cancel(jobs.JobSelection([second.id])))

    assert {second.id: JobStatus.RUNNING} == again
    requested = db.rows("select job_id from pgqueue.requests order by job_id")
    assert [(first.id,), (second.id,)] == requested
