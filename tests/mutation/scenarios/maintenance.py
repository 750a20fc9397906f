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

    left = [row[0] for row in db.rows("select id from pgqueue.supervisors")]
    assert sorted((live, stopped)) == sorted(left)
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
    ids = [db.enqueue(run_after=60, priority=priority).id for priority in (1, 0)]
    for job_id in ids:
        db.change(job_id, run_at=_seconds_ago(db, 10))

    assert 2 == run(db.link, promotion.promote(2))
    assert [JobStatus.QUEUED] * 2 == [db.job(job_id).status for job_id in ids]


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
    assert 0 == run(db.link, promotion.promote(10, (), "101|-infinity"))
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
    assert 0 == run(db.link, retention.expire(10, (), "infinity"))
    assert 1 == run(db.link, retention.expire(10))

    statuses = [db.job(job_id).status for job_id in (running.id, finished.id, late.id, early.id)]
    assert [
        JobStatus.RUNNING, JobStatus.SUCCEEDED, JobStatus.CANCELLED, JobStatus.QUEUED,
    ] == statuses  # fmt: skip


@of("prune")
def only_jobs_past_kept_until_are_pruned_with_their_rows(db: QueueDatabase) -> None:
    past = db.row("select clock_timestamp() - interval '1 s'")[0]
    finished, kept, running = finished_attempt(db), finished_attempt(db), db.claim_new()
    for job_id in (finished.id, running.id):
        db.change(job_id, kept_until=past)
    for job_id in (finished.id, kept.id, running.id):
        db.rows(
            "insert into pgqueue.logs (job_id, attempt, level, message)"
            " values (%(id)s, 1, 'INFO', '')",
            id=job_id,
        )

    assert 0 == run(db.link, retention.prune(10, [finished.id]))
    assert 0 == run(db.link, retention.prune(10, (), "infinity"))
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

    left = [row[0] for row in db.rows("select id from pgqueue.workers")]
    assert sorted((live, fresh, busy)) == sorted(left)


@of("find_surplus")
def jobs_with_rows_that_need_none_are_found(db: QueueDatabase) -> None:
    deleted, kept, often, young, lined = (db.enqueue().id for _ in range(5))
    for job_id, attempt in ((deleted, 1), (kept, 1), (often, 2), (young, 900)):
        _add_rows(db, job_id, attempt)
    _add_line(db, lined, 1)
    for job_id in (often, young):
        db.change(job_id, attempt=1002)
    db.rows("delete from pgqueue.jobs where id = any(%(ids)s)", ids=[deleted, lined])

    found = run(db.link, retention.find_surplus(0, 10))

    assert [(deleted, True), (kept, False), (often, True), (young, False), (lined, True)] == found
    assert found[1:3] == run(db.link, retention.find_surplus(deleted, 2))
    assert found[4:] == run(db.link, retention.find_surplus(young, 2))
    _add_line(db, deleted, 1)
    assert [deleted] == [job_id for job_id, _ in run(db.link, retention.find_surplus(0, 1))]


@of("delete_rows")
def only_rows_of_jobs_that_need_none_are_deleted(db: QueueDatabase) -> None:
    past = db.row("select clock_timestamp() - interval '1 s'")[0]
    pruned, kept, running = finished_attempt(db).id, finished_attempt(db).id, db.claim_new().id
    deleted, lined = running + 1, running + 2
    db.rows("delete from pgqueue.attempts")
    for job_id in (pruned, kept, running, deleted):
        for attempt in (1, 2, 3, 4):
            _add_rows(db, job_id, attempt)
    _add_line(db, lined, 12)
    for job_id in (pruned, running):
        db.change(job_id, kept_until=past)
    db.change(running, attempt=1002)

    counts = [run(db.link, retention.delete_rows([kept, running, deleted], 3)) for _ in range(3)]

    # Of the running job what is a thousand attempts old, and all of the deleted one.
    assert [2 * 2 + 2 * 3, 2, 0] == counts
    assert [(pruned, 4), (kept, 4), (running, 2)] == db.rows(
        "select job_id, count(*) from pgqueue.attempts group by job_id order by job_id"
    )
    assert [(pruned, 4), (kept, 4), (running, 2), (lined, 1)] == db.rows(
        "select job_id, count(*) from pgqueue.logs group by job_id order by job_id"
    )
    assert 2 * 4 + 1 == run(db.link, retention.delete_rows([pruned, lined], 5))


def _add_rows(db: QueueDatabase, job_id: int, attempt: int) -> None:
    db.rows(
        "insert into pgqueue.attempts (job_id, attempt, outcome)"
        " values (%(id)s, %(attempt)s, 'snoozed')",
        id=job_id,
        attempt=attempt,
    )
    _add_line(db, job_id, attempt)


def _add_line(db: QueueDatabase, job_id: int, attempt: int) -> None:
    db.rows(
        "insert into pgqueue.logs (job_id, attempt, level, message)"
        " values (%(id)s, %(attempt)s, 'INFO', '')",
        id=job_id,
        attempt=attempt,
    )
