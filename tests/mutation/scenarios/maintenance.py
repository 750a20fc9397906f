"""Maintenance changes and deletes only rows whose time has come."""

import registering
from queue_database import QueueDatabase

from mutation.scenarios.registry import finished_attempt, of
from pgqueue.core.lifecycle import JobStatus
from pgqueue.store import jobs, promotion, retention, supervisors, workers
from pgqueue.store.statement import run


@of("prune_requests")
def requests_are_deleted_a_time_after_they_were_made_unless_the_attempt_runs(
    db: QueueDatabase,
) -> None:
    fresh, running, finished, retried, moved = (db.claim_new() for _ in range(5))
    claimed = [fresh, running, finished, retried, moved]
    run(db.link, jobs.cancel(jobs.JobSelection([attempt.id for attempt in claimed])))
    db.enqueue()
    db.claim(finished.worker_id)
    for attempt in (fresh, finished):
        db.change(attempt.id, status="succeeded")
    db.change(retried.id, attempt=2)
    db.change(moved.id, worker_id=running.worker_id)
    db.rows(
        "update pgqueue.requests set created_at = created_at - interval '1 h'"
        " where job_id <> %(id)s",
        id=fresh.id,
    )

    assert 3 == run(db.link, retention.prune_requests(60))

    assert [(fresh.id,), (running.id,)] == db.rows(
        "select job_id from pgqueue.requests order by job_id"
    )


@of("prune_supervisors")
def supervisors_are_deleted_a_time_after_their_end_or_after_they_were_last_seen(
    db: QueueDatabase,
) -> None:
    live, stopped, killed, old = (registering.supervisor(db.link) for _ in range(4))
    run(db.link, supervisors.stop(stopped))
    run(db.link, supervisors.stop(old))
    db.rows(
        "update pgqueue.supervisors set last_seen_at = last_seen_at - interval '1 h',"
        " stopped_at = case when id = %(old)s then stopped_at - interval '1 h' else stopped_at end"
        " where id <> %(live)s",
        live=live,
        old=old,
    )

    assert 2 == run(db.link, retention.prune_supervisors(60))

    assert [(live,), (stopped,)] == db.rows("select id from pgqueue.supervisors order by id")
    assert killed not in (live, stopped)


@of("promote")
def due_jobs_are_queued_by_priority(db: QueueDatabase) -> None:
    jobs = [(30, 1), (20, 0), (10, 1)]
    ids = [db.enqueue(run_after=60, priority=priority).id for _, priority in jobs]
    for job_id, (seconds, _) in zip(ids, jobs, strict=True):
        db.change(job_id, run_at=_seconds_ago(db, seconds))

    assert 2 == run(db.link, promotion.promote(2))
    assert [JobStatus.QUEUED, JobStatus.SCHEDULED, JobStatus.QUEUED] == [
        db.job(job_id).status for job_id in ids
    ]


@of("promote")
def the_due_jobs_of_all_priorities_are_queued(db: QueueDatabase) -> None:
    for priority in (1, 0):
        job = db.enqueue(run_after=60, priority=priority)
        db.change(job.id, run_at=_seconds_ago(db, 10))

    assert 2 == run(db.link, promotion.promote(2))


def _seconds_ago(db: QueueDatabase, seconds: int) -> object:
    [at] = db.row("select clock_timestamp() - make_interval(secs => %(seconds)s)", seconds=seconds)
    return at


@of("promote")
def only_due_jobs_are_queued(db: QueueDatabase) -> None:
    past = db.row("select clock_timestamp() - interval '1 s'")[0]
    due, later, finished = (
        db.enqueue(run_after=60),
        db.enqueue(run_after=60),
        finished_attempt(db),
    )
    db.change(due.id, run_at=past)
    db.change(finished.id, run_at=past)

    assert 0 == run(db.link, promotion.promote(10, [due.id]))
    assert 1 == run(db.link, promotion.promote(10))

    statuses = [db.job(job_id).status for job_id in (due.id, later.id, finished.id)]
    assert [JobStatus.QUEUED, JobStatus.SCHEDULED, JobStatus.SUCCEEDED] == statuses


@of("expire")
def only_waiting_jobs_past_their_expiry_expire(db: QueueDatabase) -> None:
    past = db.row("select clock_timestamp() - interval '1 s'")[0]
    running, finished = db.claim_new(), finished_attempt(db)
    late, early = db.enqueue(), db.enqueue(expires_after_seconds=60)
    for job_id in (running.id, finished.id, late.id):
        db.change(job_id, expires_at=past)

    assert 0 == run(db.link, retention.expire(10, [late.id]))
    assert 1 == run(db.link, retention.expire(10))

    statuses = [db.job(job_id).status for job_id in (running.id, finished.id, late.id, early.id)]
    assert [
        JobStatus.RUNNING, JobStatus.SUCCEEDED, JobStatus.CANCELLED, JobStatus.QUEUED,
    ] == statuses  # fmt: skip


@of("prune")
def only_jobs_past_kept_until_are_pruned_with_their_rows(db: QueueDatabase) -> None:
    past = db.row("select clock_timestamp() - interval '1 s'")[0]
    finished, kept, running = finished_attempt(db), finished_attempt(db), db.claim_new()
    db.change(finished.id, kept_until=past)
    for job_id in (finished.id, kept.id, running.id):
        db.rows(
            "insert into pgqueue.logs (job_id, attempt, level, message)"
            " values (%(id)s, 1, 'INFO', '')",
            id=job_id,
        )

    assert 0 == run(db.link, retention.prune(10, [finished.id]))
    assert 1 == run(db.link, retention.prune(10))

    remaining = [(kept.id,), (running.id,)]
    assert remaining == db.rows("select id from pgqueue.jobs order by id")
    assert remaining == db.rows("select job_id from pgqueue.logs order by job_id")
    assert remaining[:1] == db.rows("select job_id from pgqueue.attempts")


@of("prune_workers")
def a_worker_is_pruned_when_it_ended_long_ago_and_owns_no_job(db: QueueDatabase) -> None:
    live, fresh, idle, busy = (
        db.worker(),
        db.worker(),
        db.worker(),
        db.claim_new().worker_id,
    )
    finished = finished_attempt(db).worker_id
    run(db.link, workers.end_workers([fresh, idle, busy, finished], "died", ""))
    db.rows(
        "update pgqueue.workers set stopped_at = stopped_at - interval '1 h' where id <> %(id)s",
        id=fresh,
    )

    assert 2 == run(db.link, retention.prune_workers(60))

    assert [(live,), (fresh,), (busy,)] == db.rows("select id from pgqueue.workers order by id")
