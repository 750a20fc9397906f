"""A cancellation and a retry change only jobs that can be cancelled and retried."""

from queue_database import QueueDatabase

from mutation.scenarios.registry import finished_attempt, of
from pgqueue.core.lifecycle import JobStatus
from pgqueue.store import jobs
from pgqueue.store.statement import run


@of("cancel")
def a_cancellation_ends_waiting_jobs_and_requests_the_end_of_running_jobs(
    db: QueueDatabase,
) -> None:
    finished, running = finished_attempt(db), db.claim_new()
    waiting, neighbour = db.enqueue(keep_seconds=60.0), db.enqueue()
    # Rows that a person wrote by hand.
    db.change(waiting.id, worker_id=running.worker_id)
    without_worker = db.enqueue()
    db.change(without_worker.id, status="running")
    before = [db.job(job_id) for job_id in (neighbour.id, finished.id)]

    for _ in range(2):
        run(db.link, jobs.cancel(jobs.JobSelection([running.id, without_worker.id])))
    answer = run(db.link, jobs.cancel(jobs.JobSelection([waiting.id, finished.id, running.id])))

    assert {
        waiting.id: JobStatus.CANCELLED, finished.id: None, running.id: JobStatus.RUNNING,
    } == answer  # fmt: skip
    assert before == [db.job(job_id) for job_id in (neighbour.id, finished.id)]
    assert [(running.id, False, False), (waiting.id, True, True)] == db.rows(
        "select id, finished_at is not null, kept_until is not null from pgqueue.jobs"
        " where id = any(%(ids)s) order by id",
        ids=[waiting.id, running.id],
    )
    assert [("cancel", running.worker_id, running.id, 1)] == db.rows(
        "select kind::text, worker_id, job_id, attempt from pgqueue.requests"
    )


@of("cancel")
def a_cancellation_skips_selected_jobs_that_changed(db: QueueDatabase) -> None:
    running = db.claim_new()
    waiting, scheduled = [db.enqueue() for _ in "ab"]
    db.change(scheduled.id, status="scheduled")
    statuses, ids = ["queued", "running"], [waiting.id, scheduled.id, running.id]
    before = [db.job(scheduled.id), db.job(running.id)]

    answer = run(db.link, jobs.cancel(jobs.JobSelection(ids, statuses, [0, 0, 0])))

    assert {waiting.id: JobStatus.CANCELLED, scheduled.id: None, running.id: None} == answer
    assert before == [db.job(scheduled.id), db.job(running.id)]


@of("retry")
def a_retry_skips_selected_jobs_that_changed(db: QueueDatabase) -> None:
    failed, succeeded, later = [finished_attempt(db) for _ in "abc"]
    for claimed in (failed, later):
        db.change(claimed.id, status="failed")
    ids = [failed.id, succeeded.id, later.id]
    before = [db.job(succeeded.id), db.job(later.id)]

    answer = run(db.link, jobs.retry(jobs.JobSelection(ids, ["failed"], [1, 1, 0])))

    assert {failed.id: JobStatus.QUEUED, succeeded.id: None, later.id: None} == answer
    assert before == [db.job(succeeded.id), db.job(later.id)]


@of("retry")
def a_retry_queues_finished_jobs_and_skips_running_jobs(db: QueueDatabase) -> None:
    finished, neighbour, running = finished_attempt(db), finished_attempt(db), db.claim_new()
    before = [db.job(job_id) for job_id in (neighbour.id, running.id)]

    answer = run(db.link, jobs.retry(jobs.JobSelection([finished.id, running.id])))

    assert {finished.id: JobStatus.QUEUED, running.id: None} == answer
    assert before == [db.job(job_id) for job_id in (neighbour.id, running.id)]
