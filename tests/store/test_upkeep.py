"""What maintenance finds and does: due, expired, stranded and outlived jobs, and silent workers."""

from typing import TYPE_CHECKING, Any

import pytest
from registering import supervisor

from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.store import (
    logs,
    orphans,
    progress,
    promotion,
    queues,
    requests,
    retention,
    supervisors,
    tasks,
    workers,
)
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.store.connection.link import Link
from pgqueue.store.logs import NewLogLine
from pgqueue.store.progress import Progress
from pgqueue.store.queues import UnfinishedJobs
from pgqueue.store.statement import run
from pgqueue.store.workers import OverdueJob

if TYPE_CHECKING:
    from tests.store.conftest import QueueDatabase


def test_due_jobs_are_queued_in_the_order_they_fell_due(db: "QueueDatabase") -> None:
    later, soon, never = (db.enqueue(run_after=seconds) for seconds in (60.0, 30.0, 90.0))
    waiting = db.enqueue()
    _pass_time(db, "run_at", 75)

    promoted = run(db.link, promotion.promote(10))

    positions = [db.job(job.id).position for job in (waiting, soon, later)]
    assert 2 == promoted
    assert sorted(positions) == positions
    assert ["queued", "queued", "scheduled"] == [
        db.job(job.id).status for job in (soon, later, never)
    ]


def test_promotion_takes_the_longest_due_first_and_stops_at_its_limit(
    db: "QueueDatabase",
) -> None:
    jobs = [db.enqueue(run_after=seconds) for seconds in (30.0, 10.0, 20.0)]
    _pass_time(db, "run_at", 60)

    assert 2 == run(db.link, promotion.promote(2))
    assert ["scheduled", "queued", "queued"] == [db.job(job.id).status for job in jobs]


@pytest.mark.parametrize("status", JobStatus)
def test_only_a_job_that_waits_expires(db: "QueueDatabase", status: JobStatus) -> None:
    job = db.enqueue(expires_after_seconds=60.0)
    db.change(job.id, status=status.value)
    _pass_time(db, "expires_at", 61)

    expired = run(db.link, retention.expire(10))

    is_waiting = status in ("scheduled", "queued", "blocked")
    row = db.job(job.id)
    assert (1 if is_waiting else 0) == expired
    assert (JobStatus.CANCELLED if is_waiting else status) == row.status
    if is_waiting:
        assert "Expired: not started before" in (row.error or "")
        assert row.finished_at is not None


def test_a_job_does_not_expire_before_its_time(db: "QueueDatabase") -> None:
    db.enqueue(expires_after_seconds=60.0)

    assert 0 == run(db.link, retention.expire(10))


def test_what_is_over_is_pruned_with_its_attempts_and_logs(db: "QueueDatabase") -> None:
    for keep_seconds in (30.0, 90.0):
        held = db.claim_new(keep_seconds=keep_seconds)
        run(
            db.link,
            logs.add_log_lines([NewLogLine(*_token(held), 0, "INFO", "shop", "said", 1)]),
        )
        db.settle(held, Outcome.SUCCEEDED)
    db.settle(db.claim_new(keep_seconds=0.0), Outcome.FAILED)
    _pass_time(db, "kept_until", 60)

    pruned = run(db.link, retention.prune(10))

    left = db.rows(
        "select job.status, job.keep_seconds,"
        " (select count(*) from pgqueue.attempts where job_id = job.id),"
        " (select count(*) from pgqueue.logs where job_id = job.id)"
        " from pgqueue.jobs as job order by job.id"
    )
    assert 1 == pruned
    assert [("succeeded", 90.0, 1, 1), ("failed", 0.0, 1, 0)] == left
    assert (2,) == db.row("select count(*) from pgqueue.attempts")


def test_a_job_retried_by_hand_is_not_pruned(db: "QueueDatabase") -> None:
    held = db.claim_new(keep_seconds=10.0)
    db.settle(held, Outcome.SUCCEEDED)
    db.rows("select pgqueue.retry(%(id)s)", id=held.id)
    _pass_time(db, "kept_until", 60)

    assert 0 == run(db.link, retention.prune(10))


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
def test_the_end_of_a_worker_means_an_outcome_for_each_of_its_jobs(
    db: "QueueDatabase", reason: str, overdue_outcome: str, neighbour_outcome: str
) -> None:
    jobs = [db.enqueue(timeout_seconds=seconds) for seconds in (10.0, None, 60.0)]
    worker_id = db.worker()
    db.claim(worker_id)
    _pass_time(db, "deadline_at", 30)
    run(
        db.link,
        workers.end_workers([worker_id], reason, "what was seen", overdue_job_id=jobs[0].id),
    )

    stranded = run(db.link, orphans.orphaned(0, 10))

    assert [
        (jobs[0].id, 1, worker_id, overdue_outcome, "what was seen", 10.0),
        (jobs[1].id, 1, worker_id, neighbour_outcome, "what was seen", None),
        (jobs[2].id, 1, worker_id, neighbour_outcome, "what was seen", 60.0),
    ] == [
        (each.id, each.attempt, each.worker_id, each.outcome, each.detail, each.timeout_seconds)
        for each in stranded
    ]


def test_what_a_dead_worker_had_not_started_was_only_interrupted(db: "QueueDatabase") -> None:
    started, waiting = db.enqueue(), db.enqueue()
    worker_id = db.worker()
    db.claim(worker_id)
    run(
        db.link,
        workers.end_workers([worker_id], "died", "killed", started_job_ids=[started.id]),
    )

    stranded = run(db.link, orphans.orphaned(0, 10))

    assert [(started.id, "lost", True), (waiting.id, "interrupted", False)] == [
        (each.id, each.outcome, each.is_started) for each in stranded
    ]


def test_a_worker_that_had_started_nothing_lost_nothing(db: "QueueDatabase") -> None:
    held = db.claim_new()
    run(db.link, workers.end_workers([held.worker_id], "died", "killed", started_job_ids=[]))

    assert [False] == [each.is_started for each in run(db.link, orphans.orphaned(0, 10))]


def test_jobs_of_a_live_worker_are_not_stranded(db: "QueueDatabase") -> None:
    db.claim_new()

    assert [] == run(db.link, orphans.orphaned(0, 10))


def test_a_job_whose_worker_is_forgotten_is_lost(db: "QueueDatabase") -> None:
    held = db.claim_new()
    db.rows("delete from pgqueue.workers")

    [stranded] = run(db.link, orphans.orphaned(0, 10))

    assert (held.id, Outcome.LOST, "its row is gone") == (
        stranded.id,
        stranded.outcome,
        stranded.detail,
    )


def test_stranded_jobs_come_page_by_page(db: "QueueDatabase") -> None:
    held = [db.claim_new() for _ in range(3)]
    run(db.link, workers.end_workers([each.worker_id for each in held], "died", "killed"))

    first = run(db.link, orphans.orphaned(0, 2))
    second = run(db.link, orphans.orphaned(first[-1].id, 2))

    assert [each.id for each in held] == [each.id for each in (*first, *second)]
    assert [] == run(db.link, orphans.orphaned(held[-1].id, 2))


@pytest.mark.parametrize(
    ("ask", "column"),
    [
        (promotion.promote, "run_at"),
        (retention.expire, "expires_at"),
        (retention.prune, "kept_until"),
    ],
)
def test_upkeep_passes_over_jobs_that_are_locked(
    db: "QueueDatabase", other_link: Link, ask: Any, column: str
) -> None:
    locked, _ = (db.enqueue(run_after=10.0, expires_after_seconds=10.0).id for _ in range(2))
    db.rows("update pgqueue.jobs set kept_until = expires_at")
    _pass_time(db, column, 60)

    with db.link.transaction():
        db.rows("select from pgqueue.jobs where id = %(id)s for update", id=locked)

        assert 1 == run(other_link, ask(10))


def test_ready_names_each_queue_and_executor_once(db: "QueueDatabase") -> None:
    for queue, executor in [("b", "process"), ("a", "asyncio"), ("a", "greenlet")]:
        for _ in range(3):
            db.enqueue(queue=queue, executor=executor)
    db.enqueue(queue="later", run_after=60.0)
    db.claim_new(queue="running")

    ready = run(db.link, queues.find_ready()).ready

    assert [
        ("a", "asyncio", False),
        ("a", "greenlet", False),
        ("b", "process", False),
    ] == ready


def test_ready_tells_quarantined_jobs_from_others(db: "QueueDatabase") -> None:
    for lost_count in (1, 2):
        db.change(db.enqueue(queue="a").id, lost_count=lost_count)

    assert [("a", "greenlet", False), ("a", "greenlet", True)] == run(
        db.link, queues.find_ready()
    ).ready


def test_nothing_ready_is_an_empty_answer(db: "QueueDatabase") -> None:
    assert [] == run(db.link, queues.find_ready()).ready


def test_unfinished_counts_by_task_in_queues_and_their_sub_queues(
    db: "QueueDatabase",
) -> None:
    db.claim_new(queue="mail", task="shop.send")
    for queue in ("mail", "mail", "mail/eu", "mail/eu/fast", "mailbox", "other"):
        db.enqueue(task="shop.send", queue=queue)
    db.enqueue(task="shop.later", queue="mail", run_after=60.0)

    def unfinished(*names: str) -> list[UnfinishedJobs]:
        return sorted(run(db.link, queues.unfinished(names)), key=lambda each: each.status)

    assert [
        UnfinishedJobs(JobStatus.QUEUED, "shop.send", 2),
        UnfinishedJobs(JobStatus.RUNNING, "shop.send", 1),
    ] == unfinished("mail")
    assert [UnfinishedJobs(JobStatus.QUEUED, "shop.send", 2)] == unfinished("mail/")
    assert [UnfinishedJobs(JobStatus.QUEUED, "shop.send", 3)] == unfinished("mail/", "other")


def test_overdue_names_jobs_only_after_the_grace(db: "QueueDatabase") -> None:
    db.enqueue(timeout_seconds=10.0)
    db.enqueue(timeout_seconds=10.0)
    worker_id = db.worker(supervisor_id=7)
    claimed = db.claim(worker_id)
    _pass_time(db, "deadline_at", 15)

    def asked(supervisor_id: int, grace_seconds: float) -> list[OverdueJob]:
        return run(db.link, workers.overdue_jobs(supervisor_id, grace_seconds))

    overdue = asked(7, 2)
    assert {(worker_id, each.id) for each in claimed} == {
        (each.worker_id, each.job_id) for each in overdue
    }
    assert overdue[0].overdue_seconds == pytest.approx(5, abs=0.5)
    assert [] == asked(7, 10)
    assert [] == asked(8, 2)


def test_a_request_to_cancel_a_running_job_is_read_by_its_supervisor(db: "QueueDatabase") -> None:
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


def test_a_request_is_closed_once_its_attempt_is_over(db: "QueueDatabase") -> None:
    claimed = db.claim_new()
    db.rows("select pgqueue.cancel(%(id)s)", id=claimed.id)
    db.settle(claimed, Outcome.CANCELLED)

    [request] = run(db.link, requests.open_requests(1))
    closed = run(db.link, requests.close_requests([request.id]))

    assert (False, 1) == (request.is_running, closed)
    assert [] == run(db.link, requests.open_requests(1))
    assert (True, None) == db.row("select answered_at is not null, answer from pgqueue.requests")


def test_a_renewal_records_what_a_supervisor_does(db: "QueueDatabase") -> None:
    supervisor_id = supervisor(db.link, "mail", "news/")
    db.rows("update pgqueue.supervisors set last_seen_at = last_seen_at - interval '1 min'")

    run(db.link, supervisors.renew(supervisor_id, 60, slots=8, busy_slots=3, run_seconds=0.25))

    assert ("here", 1, "0.1.0", ["mail"], ["news/"], 8, 3, 0.25, True) == db.row(
        "select host, pid, version, queues, prefixes, slots, busy_slots, run_seconds,"
        " last_seen_at > clock_timestamp() - interval '30 s' from pgqueue.supervisors"
    )


def test_a_worker_is_silent_when_its_lease_ended(db: "QueueDatabase") -> None:
    silent = db.worker(lease_seconds=-1)
    db.worker(lease_seconds=60)

    assert [silent] == run(db.link, workers.expire_leases())
    assert [] == run(db.link, workers.expire_leases())
    assert ("lease_expired",) == db.row(
        "select stop_reason from pgqueue.workers where id = %(id)s", id=silent
    )


def test_a_buried_worker_is_neither_renewed_nor_buried_again(db: "QueueDatabase") -> None:
    dead, alive = (db.worker(supervisor_id=7) for _ in range(2))
    run(db.link, workers.end_workers([dead], "died", "killed"))

    assert {alive} == run(db.link, supervisors.renew(7, 60))
    assert [] == run(db.link, workers.end_workers([dead], "stopped", "changed my mind"))


def test_a_stopped_worker_is_forgotten_once_its_jobs_are_settled(db: "QueueDatabase") -> None:
    db.enqueue()
    busy, idle = (db.worker() for _ in range(2))
    [held] = db.claim(busy)
    run(db.link, workers.end_workers([busy, idle], "died", "killed"))
    db.rows("update pgqueue.workers set stopped_at = stopped_at - interval '1 hour'")

    first = run(db.link, retention.prune_workers(60))
    db.settle(held, Outcome.LOST)
    second = run(db.link, retention.prune_workers(60))

    assert (1, 1) == (first, second)


@pytest.mark.parametrize("wrong", [None, "id", "attempt", "worker_id"])
def test_logs_and_progress_are_written_only_while_the_attempt_is_held(
    db: "QueueDatabase", wrong: str | None
) -> None:
    held = db.claim_new()
    token = {"id": held.id, "attempt": held.attempt, "worker_id": held.worker_id}
    if wrong is not None:
        token[wrong] += 1

    run(
        db.link,
        logs.add_log_lines(
            [
                NewLogLine(
                    **token, age_seconds=age, level="INFO", logger="shop", message=text, number=n
                )
                for n, (age, text) in enumerate([(2.0, "first"), (3.0, "second")], 1)
            ]
        ),
    )
    run(
        db.link,
        progress.write_progress([Progress(**token, fraction=0.25, message="a quarter")]),
    )

    lines = db.rows("select message from pgqueue.logs order by id")
    row = db.job(held.id)
    if wrong is None:
        assert [("first",), ("second",)] == lines
        assert (0.25, "a quarter") == (row.progress, row.progress_message)
    else:
        assert [] == lines
        assert (None, None) == (row.progress, row.progress_message)


def test_tasks_are_recorded_again_only_when_they_changed(db: "QueueDatabase") -> None:
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
    same = db.row("select xmin::text, signature from pgqueue.tasks")
    run(db.link, tasks.record_tasks([{**mail, "signature": "(to: str, cc: str)"}]))
    changed = db.row("select xmin::text, signature from pgqueue.tasks")

    assert first == same
    assert "(to: str, cc: str)" == changed[1]


def _pass_time(db: "QueueDatabase", column: str, seconds: float) -> None:
    """Make a moment of every job that much earlier."""
    db.rows(
        f"update pgqueue.jobs set {column} = {column} - make_interval(secs => %(seconds)s::float8)",
        seconds=seconds,
    )


def _token(held: ClaimedAttempt) -> tuple[int, int, int]:
    return held.id, held.attempt, held.worker_id
