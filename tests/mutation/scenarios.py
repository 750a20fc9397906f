"""What each statement has to do and to leave alone, in sentences that its conditions make true."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import registering
from queue_database import QueueDatabase

from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.store import (
    claims,
    jobs,
    logs,
    orphans,
    progress,
    promotion,
    requests,
    retention,
    settlements,
    supervisors,
    workers,
)
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.store.logs import NewLogLine
from pgqueue.store.progress import Progress
from pgqueue.store.settlements import Settlement
from pgqueue.store.statement import run

Scenario = Callable[[QueueDatabase], None]

SCENARIOS: dict[str, list[Scenario]] = {}


def of(*files: str) -> Callable[[Scenario], Scenario]:
    """Enter a scenario for the statements in these files."""

    def enter(scenario: Scenario) -> Scenario:
        for file in files:
            SCENARIOS.setdefault(file, []).append(scenario)
        return scenario

    return enter


def _strangers(held: ClaimedAttempt) -> list[ClaimedAttempt]:
    """The same attempt with one part of its token wrong."""
    return [
        held._replace(id=held.id + 1),
        held._replace(attempt=held.attempt + 1),
        held._replace(worker_id=held.worker_id + 1),
    ]


def _picture(db: QueueDatabase) -> list[tuple[Any, ...]]:
    """All that a worker may write, as it stands."""
    return [
        *db.rows("select * from pgqueue.jobs order by id"),
        *db.rows("select * from pgqueue.attempts order by job_id, attempt"),
        *db.rows("select * from pgqueue.logs order by id"),
    ]


def _token(held: ClaimedAttempt) -> tuple[int, int, int]:
    return held.id, held.attempt, held.worker_id


def _over(db: QueueDatabase) -> ClaimedAttempt:
    """An attempt that was held, and whose job is final, with its token still in the row."""
    held = db.claim_new()
    db.settle(held, Outcome.SUCCEEDED)
    db.change(held.id, worker_id=held.worker_id)
    return held


def _wait_seconds(db: QueueDatabase, ended: ClaimedAttempt) -> float:
    """From the end of an attempt until its job is due."""
    seconds: float = db.row(
        "select extract(epoch from job.run_at - attempt.finished_at)::float8"
        " from pgqueue.jobs as job"
        " join pgqueue.attempts as attempt on attempt.job_id = job.id"
        " where attempt.job_id = %(id)s and attempt.attempt = %(attempt)s",
        id=ended.id,
        attempt=ended.attempt,
    )[0]
    return seconds


# Claim.


@of("claim")
def a_worker_takes_what_is_ready_for_it_and_nothing_else(db: QueueDatabase) -> None:
    worker = db.worker()
    ready, lasting = db.enqueue(), db.enqueue(expires_after_seconds=60)
    others = [
        db.enqueue(run_after=60),
        db.enqueue(queue="mail"),
        db.enqueue(executor="process"),
        db.enqueue("shop.unknown"),
        db.enqueue(expires_after_seconds=60),
    ]
    quarantined = db.enqueue()
    db.change(quarantined.id, lost_count=2)
    db.change(others[-1].id, expires_at=db.row("select clock_timestamp()")[0])

    claimed = db.claim(worker, unknown_tasks=["shop.unknown"])

    assert [ready.id, lasting.id] == [each.id for each in claimed]
    states = {job.id: db.job(job.id).attempt for job in (*others, quarantined)}
    assert {0} == set(states.values())
    assert 1 == db.job(ready.id).attempt


@of("claim")
def a_worker_that_ended_or_never_was_claims_nothing(db: QueueDatabase) -> None:
    ended, alive = db.worker(), db.worker()
    run(db.link, workers.end_workers([ended], "died", ""))
    job = db.enqueue()

    assert [] == db.claim(ended)
    assert [] == db.claim(alive + 1)
    assert [alive] == [each.worker_id for each in db.claim(alive)]
    assert 1 == db.job(job.id).attempt


@of("claim")
def a_prefetch_ends_before_an_at_most_once_job(db: QueueDatabase) -> None:
    worker = db.worker()
    deliveries = ("at_most_once", "at_least_once", "at_most_once", "at_least_once")
    jobs = [db.enqueue(delivery=delivery) for delivery in deliveries]

    claimed = db.claim(worker, jobs_max=4, slots_free=1)

    assert [jobs[0].id, jobs[1].id] == [each.id for each in claimed]
    assert [1, 1, 0, 0] == [db.job(job.id).attempt for job in jobs]


@of("claim")
def a_span_begins_behind_its_place_and_ends_with_its_priority(db: QueueDatabase) -> None:
    worker = db.worker()
    before, inside, *beyond = [db.enqueue(priority=priority) for priority in (3, 3, 2, 1, 4)]
    span = claims.KeyRange("default", 3, before.position, 2)
    asked = claims.claim(
        worker_id=worker,
        executor="greenlet",
        key_ranges=[span],
        unknown_tasks=[],
        jobs_max=9,
        slots_free=9,
    )

    claimed = run(db.link, asked).claimed

    assert [inside.id, beyond[0].id] == [each.id for each in claimed]


# Settle and hold.


@of("settle")
def an_attempt_with_a_wrong_token_settles_nothing(db: QueueDatabase) -> None:
    held = db.claim_new()
    db.claim_new()
    before = _picture(db)

    for stranger in _strangers(held):
        for outcome in (Outcome.SUCCEEDED, Outcome.FAILED, Outcome.INTERRUPTED):
            assert {} == db.settle(stranger, outcome)

    assert before == _picture(db)
    assert {(held.id, held.attempt): JobStatus.SUCCEEDED} == db.settle(held, Outcome.SUCCEEDED)


@of("settle")
def an_attempt_that_is_over_settles_nothing(db: QueueDatabase) -> None:
    held = _over(db)
    # Else the key of the attempt's row would refuse what the fence lets through.
    db.rows("delete from pgqueue.attempts")
    before = _picture(db)

    assert {} == db.settle(held, Outcome.FAILED, retryable=False)

    assert before == _picture(db)


@of("settle")
def one_of_many_is_settled_and_the_others_are_left(db: QueueDatabase) -> None:
    held, other = db.claim_new(keep_seconds=0.0), db.claim_new(keep_seconds=0.0)
    neighbour = db.claim_new()
    before = db.job(neighbour.id)

    assert {(held.id, 1): JobStatus.SUCCEEDED} == db.settle(held, Outcome.SUCCEEDED)
    assert {(other.id, 1): JobStatus.FAILED} == db.settle(other, Outcome.FAILED)

    assert before == db.job(neighbour.id)
    assert [(other.id, "failed")] == db.rows("select job_id, outcome from pgqueue.attempts")
    left = [(other.id, "failed"), (neighbour.id, "running")]
    assert left == db.rows("select id, status from pgqueue.jobs order by id")


@of("settle")
def only_a_success_without_keep_leaves_no_trace(db: QueueDatabase) -> None:
    kept, dropped = db.claim_new(), db.claim_new(keep_seconds=0.0)
    for held in (kept, dropped):
        run(
            db.link,
            logs.add_log_lines([NewLogLine(*_token(held), 0.0, "INFO", "shop", "begun", 1)]),
        )
    db.rows(
        "insert into pgqueue.attempts (job_id, attempt, outcome) values (%(id)s, 0, 'lost')",
        id=dropped.id,
    )

    db.settle(kept, Outcome.SUCCEEDED)
    db.settle(dropped, Outcome.SUCCEEDED)

    assert [(kept.id, "succeeded")] == db.rows("select job_id, outcome from pgqueue.attempts")
    assert [(kept.id,)] == db.rows("select job_id from pgqueue.logs")
    assert [(kept.id, "succeeded")] == db.rows("select id, status from pgqueue.jobs")


@of("settle")
def a_job_without_keep_that_somebody_refers_to_is_held_still(db: QueueDatabase) -> None:
    referred, free = db.claim_new(keep_seconds=0.0), db.claim_new(keep_seconds=0.0)

    with db.locked(referred.id, "key share"):
        answer = run(
            db.link,
            settlements.settle(
                [Settlement(*_token(each), Outcome.SUCCEEDED) for each in (referred, free)]
            ),
        )

    assert {(referred.id, 1): None, (free.id, 1): JobStatus.SUCCEEDED} == answer
    assert [(referred.id, "running")] == db.rows("select id, status from pgqueue.jobs")


@of("settle")
def each_end_is_answered_once(db: QueueDatabase) -> None:
    kept, dropped, referred = (
        db.claim_new(),
        db.claim_new(keep_seconds=0),
        db.claim_new(keep_seconds=0),
    )
    ends = [Settlement(*_token(each), Outcome.SUCCEEDED) for each in (kept, dropped, referred)]

    with db.locked(referred.id, "key share"):
        rows = run(db.link, replace(settlements.settle(ends), decode=list))

    assert [kept.id, dropped.id, referred.id] == sorted(row[0] for row in rows)


@of("settle")
def an_attempt_that_somebody_has_locked_is_held_still(db: QueueDatabase) -> None:
    locked, free = db.claim_new(), db.claim_new()

    with db.locked(locked.id):
        answer = run(
            db.link,
            settlements.settle(
                [Settlement(*_token(each), Outcome.SUCCEEDED) for each in (locked, free)]
            ),
        )

    assert {(locked.id, 1): None, (free.id, 1): JobStatus.SUCCEEDED} == answer
    assert JobStatus.RUNNING == db.job(locked.id).status


@of("settle")
def a_job_that_was_handed_back_is_queued_anew(db: QueueDatabase) -> None:
    for outcome, losses in ((Outcome.INTERRUPTED, 1), (Outcome.LOST, 2)):
        held = db.claim_new(run_after=-60.0)
        db.change(held.id, lost_count=1)
        other = db.enqueue()

        assert {(held.id, 1): JobStatus.QUEUED} == db.settle(held, outcome)

        job = db.job(held.id)
        assert (0, losses, None, None, None) == (
            job.failure_count, job.lost_count, job.worker_id, job.finished_at, job.error,
        )  # fmt: skip
        assert other.position < job.position
        assert 0 == _wait_seconds(db, held)
        db.rows("delete from pgqueue.jobs")


@of("settle")
def the_third_loss_in_a_row_is_the_last(db: QueueDatabase) -> None:
    held = db.claim_new(max_attempts=9)
    db.change(held.id, lost_count=2)

    assert {(held.id, 1): JobStatus.FAILED} == db.settle(held, Outcome.LOST)


@of("settle")
def a_failure_waits_as_its_row_says_while_attempts_are_left(db: QueueDatabase) -> None:
    policy = {"max_attempts": 2, "backoff": "fixed", "backoff_base_seconds": 100.0}
    plain, spread = (db.claim_new(backoff_jitter=jitter, **policy) for jitter in (False, True))
    at_once, refused, last = (
        db.claim_new(**policy),
        db.claim_new(**policy),
        db.claim_new(),
    )

    assert {(plain.id, 1): JobStatus.SCHEDULED} == db.settle(plain, Outcome.FAILED)
    assert {(spread.id, 1): JobStatus.SCHEDULED} == db.settle(spread, Outcome.FAILED)
    assert {(at_once.id, 1): JobStatus.QUEUED} == db.settle(
        at_once, Outcome.FAILED, delay_seconds=0.0
    )
    assert {(refused.id, 1): JobStatus.FAILED} == db.settle(
        refused, Outcome.FAILED, retryable=False
    )
    assert {(last.id, 1): JobStatus.FAILED} == db.settle(last, Outcome.TIMED_OUT)

    assert 100 == _wait_seconds(db, plain)
    assert 50 <= _wait_seconds(db, spread) < 100
    assert (None, None) == (db.job(plain.id).worker_id, db.job(plain.id).finished_at)
    assert db.job(last.id).finished_at is not None


@of("settle")
def a_snooze_is_no_failure_whatever_counts_as_one(db: QueueDatabase) -> None:
    held = db.claim_new()

    db.settle(held, Outcome.SNOOZED, delay_seconds=60.0, retryable=False)

    assert (JobStatus.SCHEDULED, 0) == (
        db.job(held.id).status,
        db.job(held.id).failure_count,
    )
    assert 60 == _wait_seconds(db, held)


@of("settle")
def a_cancellation_wins_over_every_outcome_but_success(db: QueueDatabase) -> None:
    now = db.row("select clock_timestamp()")[0]
    own, asked, late = (db.claim_new(max_attempts=3) for _ in range(3))
    for job_id in (asked.id, late.id):
        db.change(job_id, cancel_requested_at=now)

    assert {(own.id, 1): JobStatus.CANCELLED} == db.settle(own, Outcome.CANCELLED)
    assert {(asked.id, 1): JobStatus.CANCELLED} == db.settle(asked, Outcome.FAILED)
    assert {(late.id, 1): JobStatus.SUCCEEDED} == db.settle(late, Outcome.SUCCEEDED)


@of("settle")
def an_at_most_once_job_that_started_is_never_started_again(db: QueueDatabase) -> None:
    started, waiting = (db.claim_new(delivery="at_most_once", max_attempts=3) for _ in range(2))
    failed = db.claim_new(delivery="at_most_once", max_attempts=3)

    assert {(started.id, 1): JobStatus.FAILED} == db.settle(started, Outcome.INTERRUPTED)
    assert {(waiting.id, 1): JobStatus.QUEUED} == db.settle(
        waiting, Outcome.INTERRUPTED, waited_seconds=None
    )
    assert {(failed.id, 1): JobStatus.FAILED} == db.settle(
        failed, Outcome.FAILED, error_type="ValueError", error_message="why"
    )

    never = "NeverStartedTwice: the job is at_most_once and had started"
    errors = [db.job(each.id).error for each in (started, waiting, failed)]
    assert [never, None, "ValueError: why"] == errors


@of("settle")
def only_a_job_that_never_started_may_still_expire(db: QueueDatabase) -> None:
    waiting, started = (db.claim_new(expires_after_seconds=60) for _ in range(2))
    db.settle(waiting, Outcome.INTERRUPTED, waited_seconds=None)
    db.settle(started, Outcome.INTERRUPTED)

    assert db.job(waiting.id).expires_at is not None
    assert db.job(started.id).expires_at is None


@of("settle")
def successes_and_cancellations_go_in_time_and_failures_stay(db: QueueDatabase) -> None:
    kept = {}
    for outcome in (Outcome.SUCCEEDED, Outcome.CANCELLED, Outcome.FAILED):
        held = db.claim_new(keep_seconds=60.0)
        db.change(held.id, error="of an attempt before")
        db.settle(held, outcome)
        kept[outcome], error = db.row(
            "select extract(epoch from kept_until - finished_at)::integer, error"
            " from pgqueue.jobs where id = %(id)s",
            id=held.id,
        )
        assert (outcome is Outcome.SUCCEEDED) == (error is None)

    assert {Outcome.SUCCEEDED: 60, Outcome.CANCELLED: 86_400, Outcome.FAILED: None} == kept


@of("lock_attempt")
def only_the_holder_of_a_running_attempt_holds_it(db: QueueDatabase) -> None:
    held, over = db.claim_new(), _over(db)

    assert run(db.link, claims.lock_attempt(*_token(held)))
    for stranger in _strangers(held):
        assert not run(db.link, claims.lock_attempt(*_token(stranger)))
    assert not run(db.link, claims.lock_attempt(*_token(over)))


@of("find_completed")
def a_completed_attempt_is_one_that_succeeded_or_is_gone(db: QueueDatabase) -> None:
    succeeded, failed, running, gone = (db.claim_new() for _ in range(4))
    db.settle(succeeded, Outcome.SUCCEEDED)
    db.settle(failed, Outcome.FAILED)
    db.link.fetch("delete from pgqueue.jobs where id = %(id)s", {"id": gone.id})
    keys = [(job.id, job.attempt) for job in (succeeded, failed, running, gone)]

    recorded = run(db.link, settlements.find_completed([*keys, (succeeded.id, 2)]))

    assert {keys[0], keys[3]} == recorded


# Progress and logs.


@of("write_progress", "add_log_lines")
def notes_are_written_for_the_attempt_that_is_held_and_for_no_other(
    db: QueueDatabase,
) -> None:
    held, neighbour, over = db.claim_new(), db.claim_new(), _over(db)
    before = _picture(db)

    for wrong in (*_strangers(held), over):
        if wrong.id == neighbour.id:
            continue  # one number off, and another's: told apart below
        run(db.link, progress.write_progress([Progress(*_token(wrong), 0.5, "half")]))
        run(
            db.link,
            logs.add_log_lines([NewLogLine(*_token(wrong), 0.0, "INFO", "shop", "late", 1)]),
        )
    assert before == _picture(db)

    run(db.link, progress.write_progress([Progress(*_token(held), 0.5, "half")]))
    run(
        db.link,
        logs.add_log_lines([NewLogLine(*_token(held), 0.0, "INFO", "shop", "in time", 1)]),
    )
    assert (0.5, "half") == (db.job(held.id).progress, db.job(held.id).progress_message)
    assert db.job(neighbour.id).progress is None
    assert [(held.id, "in time")] == db.rows("select job_id, message from pgqueue.logs")


@of("add_log_lines")
def a_line_is_written_once_however_often_it_is_asked_for(db: QueueDatabase) -> None:
    held, other = db.claim_new(), db.claim_new()
    lines = [NewLogLine(*_token(held), 0.0, "INFO", "shop", str(n), n) for n in (1, 2, 3, 4)]
    run(db.link, logs.add_log_lines([NewLogLine(*_token(other), 0.0, "INFO", "shop", "1", 1)]))
    db.rows(
        "insert into pgqueue.logs (job_id, attempt, number, level, message)"
        " values (%(id)s, 0, 2, 'INFO', 'of an earlier attempt')",
        id=held.id,
    )

    # The first was dropped.
    run(db.link, logs.add_log_lines(lines[1:3]))
    run(db.link, logs.add_log_lines(lines[1:]))

    assert [("2",), ("3",), ("4",)] == db.rows(
        "select message from pgqueue.logs where job_id = %(id)s and attempt = 1 order by id",
        id=held.id,
    )


@of("add_log_lines")
def a_line_of_a_job_without_keep_is_written_unless_it_is_about_to_go(
    db: QueueDatabase,
) -> None:
    going, staying, kept = (
        db.claim_new(keep_seconds=0.0),
        db.claim_new(keep_seconds=0.0),
        db.claim_new(),
    )
    lines = [
        NewLogLine(*_token(each), 0.0, "INFO", "shop", "", 1) for each in (going, staying, kept)
    ]

    with db.locked(going.id, "update"), db.locked(kept.id, "update"):
        run(db.link, logs.add_log_lines(lines))

    assert [(staying.id,), (kept.id,)] == db.rows("select job_id from pgqueue.logs order by id")


# What a supervisor writes of workers.


@of("renew_leases", "end_workers", "expire_leases", "set_worker_pid", "add_unknown_tasks")
def a_worker_is_renewed_and_ended_by_its_own_supervisor_and_once(db: QueueDatabase) -> None:
    supervisor, other = registering.supervisor(db.link), registering.supervisor(db.link)
    mine, ended = (db.worker(supervisor_id=supervisor) for _ in range(2))
    others = db.worker(supervisor_id=other)
    run(db.link, workers.end_workers([ended], "died", "first"))
    assert [] == run(db.link, workers.end_workers([ended], "stopped", "second"))
    before = db.rows("select * from pgqueue.workers where id <> %(id)s order by id", id=mine)

    run(db.link, workers.set_pid(mine, 77))
    run(db.link, workers.add_unknown_tasks(mine, ["shop.gone"]))
    assert {mine} == run(db.link, supervisors.renew(supervisor, 60, busy_slots=3))
    assert [] == run(db.link, workers.expire_leases())
    assert [mine] == run(db.link, workers.end_workers([mine], "stopped", "told"))

    assert before == db.rows(
        "select * from pgqueue.workers where id <> %(id)s order by id", id=mine
    )
    assert (77, ["shop.gone"], "told") == db.row(
        "select pid, unknown_tasks, stop_detail from pgqueue.workers where id = %(id)s", id=mine
    )
    assert ("died", None) == db.row(
        "select stop_reason, pid from pgqueue.workers where id = %(id)s", id=ended
    )
    assert (None,) == db.row("select stop_reason from pgqueue.workers where id = %(id)s", id=others)
    assert [(3,), (0,)] == db.rows("select busy_slots from pgqueue.supervisors order by id")


@of("expire_leases")
def a_worker_is_given_up_when_its_lease_has_ended_and_once(db: QueueDatabase) -> None:
    live, silent, ended = (
        db.worker(),
        db.worker(lease_seconds=-1),
        db.worker(lease_seconds=-1),
    )
    run(db.link, workers.end_workers([ended], "died", "first"))

    assert [silent] == run(db.link, workers.expire_leases())

    assert [(live, None), (silent, "lease_expired"), (ended, "died")] == db.rows(
        "select id, stop_reason from pgqueue.workers order by id"
    )


# What a supervisor decides about jobs.


@of("find_orphaned")
def jobs_of_workers_that_ended_are_stranded_and_no_others(db: QueueDatabase) -> None:
    live, dead, gone, over = (
        db.claim_new(),
        db.claim_new(),
        db.claim_new(),
        _over(db),
    )
    run(db.link, workers.end_workers([dead.worker_id, over.worker_id], "died", ""))
    db.rows("delete from pgqueue.workers where id = %(id)s", id=gone.worker_id)

    found = run(db.link, orphans.orphaned(0, 10))

    assert [dead.id, gone.id] == [each.id for each in found]
    assert live.id not in [each.id for each in found]
    assert [gone.id] == [each.id for each in run(db.link, orphans.orphaned(dead.id, 10))]


@of("find_orphaned")
def the_end_of_a_worker_says_what_befell_its_jobs(db: QueueDatabase) -> None:
    befell = {}
    for reason in ("overdue", "stopped", "died", "lease_expired"):
        worker = db.worker()
        first, started, waiting = (db.enqueue().id for _ in range(3))
        db.claim(worker)
        # Whose fault it was counts only where that is what the worker was killed for.
        burial = workers.end_workers(
            [worker], reason, "", overdue_job_id=first, started_job_ids=[first, started]
        )
        run(db.link, burial)
        found = {each.id: each.outcome for each in run(db.link, orphans.orphaned(0, 10))}
        befell[reason] = [found[job_id] for job_id in (first, started, waiting)]
        db.rows("delete from pgqueue.jobs")

    lost, interrupted = Outcome.LOST, Outcome.INTERRUPTED
    assert {
        "overdue": [Outcome.TIMED_OUT, interrupted, interrupted],
        "stopped": [interrupted, interrupted, interrupted],
        "died": [lost, lost, interrupted],
        "lease_expired": [lost, lost, interrupted],
    } == befell


@of("find_orphaned")
def what_a_worker_had_started_is_lost_where_nobody_knows(db: QueueDatabase) -> None:
    held = db.claim_new()
    run(db.link, workers.end_workers([held.worker_id], "died", ""))

    [found] = run(db.link, orphans.orphaned(0, 10))

    assert (Outcome.LOST, True) == (found.outcome, found.is_started)


@of("find_overdue")
def a_job_is_overdue_past_its_deadline_and_the_grace_under_a_live_worker_of_ours(
    db: QueueDatabase,
) -> None:
    late, in_time, over, dead = (db.claim_new(timeout_seconds=1.0) for _ in range(4))
    past = db.row("select clock_timestamp() - interval '10 s'")[0]
    db.settle(over, Outcome.SUCCEEDED)
    db.change(over.id, worker_id=over.worker_id)
    run(db.link, workers.end_workers([dead.worker_id], "died", ""))
    foreign = db.enqueue(timeout_seconds=1.0)
    theirs = db.claim(db.worker(supervisor_id=2))
    for job_id in (late.id, over.id, dead.id, foreign.id):
        db.change(job_id, deadline_at=past)

    found = run(db.link, workers.overdue_jobs(1, 5.0))

    assert [foreign.id] == [each.id for each in theirs]
    assert [late.id] == [each.job_id for each in found]
    assert in_time.id not in [each.job_id for each in found]


@of("open_requests", "close_requests")
def open_requests_to_our_workers_are_read_and_closed_once_the_attempt_is_over(
    db: QueueDatabase,
) -> None:
    running, stale, retried, moved, untouched = (db.claim_new() for _ in range(5))
    foreign = db.enqueue()
    db.claim(db.worker(supervisor_id=2))
    ids = [running.id, stale.id, retried.id, moved.id, foreign.id]
    run(db.link, jobs.cancel(jobs.JobSelection(ids)))
    db.enqueue()
    db.claim(stale.worker_id)
    db.change(stale.id, status="succeeded")
    db.change(retried.id, attempt=2)
    db.change(moved.id, worker_id=running.worker_id)

    found = run(db.link, requests.open_requests(1))
    over = [request.id for request in found if not request.is_running]
    closed = [run(db.link, requests.close_requests(over)) for _ in range(2)]

    assert [(running.id, True), (stale.id, False), (retried.id, False), (moved.id, False)] == [
        (request.job_id, request.is_running) for request in found
    ]
    assert untouched.id not in [request.job_id for request in found]
    assert [3, 0] == closed
    assert [running.id] == [each.job_id for each in run(db.link, requests.open_requests(1))]


@of("prune_requests")
def requests_are_deleted_a_time_after_they_were_made_unless_the_attempt_runs(
    db: QueueDatabase,
) -> None:
    fresh, running, over, retried, moved = (db.claim_new() for _ in range(5))
    claimed = [fresh, running, over, retried, moved]
    run(db.link, jobs.cancel(jobs.JobSelection([attempt.id for attempt in claimed])))
    db.enqueue()
    db.claim(over.worker_id)
    for attempt in (fresh, over):
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


@of("claims_of_worker")
def a_worker_is_told_of_the_attempts_that_are_its_own(db: QueueDatabase) -> None:
    held, _, over = db.claim_new(), db.claim_new(), _over(db)
    db.change(over.id, worker_id=held.worker_id)

    assert [held.id] == [each.id for each in run(db.link, claims.claims_of(held.worker_id))]


@of("promote")
def what_is_due_is_queued_and_nothing_else(db: QueueDatabase) -> None:
    past = db.row("select clock_timestamp() - interval '1 s'")[0]
    due, later, over = (
        db.enqueue(run_after=60),
        db.enqueue(run_after=60),
        _over(db),
    )
    db.change(due.id, run_at=past)
    db.change(over.id, run_at=past)

    assert 0 == run(db.link, promotion.promote(10, [due.id]))
    assert 1 == run(db.link, promotion.promote(10))

    statuses = [db.job(job_id).status for job_id in (due.id, later.id, over.id)]
    assert [JobStatus.QUEUED, JobStatus.SCHEDULED, JobStatus.SUCCEEDED] == statuses


@of("expire")
def what_waits_beyond_its_time_expires_and_nothing_else(db: QueueDatabase) -> None:
    past = db.row("select clock_timestamp() - interval '1 s'")[0]
    running, over = db.claim_new(), _over(db)
    late, early = db.enqueue(), db.enqueue(expires_after_seconds=60)
    for job_id in (running.id, over.id, late.id):
        db.change(job_id, expires_at=past)

    assert 0 == run(db.link, retention.expire(10, [late.id]))
    assert 1 == run(db.link, retention.expire(10))

    statuses = [db.job(job_id).status for job_id in (running.id, over.id, late.id, early.id)]
    assert [
        JobStatus.RUNNING, JobStatus.SUCCEEDED, JobStatus.CANCELLED, JobStatus.QUEUED,
    ] == statuses  # fmt: skip


@of("prune")
def what_is_kept_until_now_is_pruned_with_all_that_is_its_own(db: QueueDatabase) -> None:
    past = db.row("select clock_timestamp() - interval '1 s'")[0]
    over, kept, running = _over(db), _over(db), db.claim_new()
    db.change(over.id, kept_until=past)
    for job_id in (over.id, kept.id, running.id):
        db.rows(
            "insert into pgqueue.logs (job_id, attempt, level, message)"
            " values (%(id)s, 1, 'INFO', '')",
            id=job_id,
        )

    assert 0 == run(db.link, retention.prune(10, [over.id]))
    assert 1 == run(db.link, retention.prune(10))

    left = [(kept.id,), (running.id,)]
    assert left == db.rows("select id from pgqueue.jobs order by id")
    assert left == db.rows("select job_id from pgqueue.logs order by job_id")
    assert left[:1] == db.rows("select job_id from pgqueue.attempts")


@of("prune_workers")
def a_worker_is_forgotten_when_it_ended_long_ago_and_holds_nothing(db: QueueDatabase) -> None:
    live, fresh, idle, holds = (
        db.worker(),
        db.worker(),
        db.worker(),
        db.claim_new().worker_id,
    )
    finished = _over(db).worker_id
    run(db.link, workers.end_workers([fresh, idle, holds, finished], "died", ""))
    db.rows(
        "update pgqueue.workers set stopped_at = stopped_at - interval '1 h' where id <> %(id)s",
        id=fresh,
    )

    assert 2 == run(db.link, retention.prune_workers(60))

    assert [(live,), (fresh,), (holds,)] == db.rows("select id from pgqueue.workers order by id")


# What a person decides.


@of("cancel")
def a_cancellation_ends_what_waits_and_asks_for_what_runs(db: QueueDatabase) -> None:
    over, running = _over(db), db.claim_new()
    waiting, neighbour = db.enqueue(keep_seconds=60.0), db.enqueue()
    # Rows that somebody wrote by hand.
    db.change(waiting.id, worker_id=running.worker_id)
    without_worker = db.enqueue()
    db.change(without_worker.id, status="running")
    before = [db.job(job_id) for job_id in (neighbour.id, over.id)]

    for _ in range(2):
        run(db.link, jobs.cancel(jobs.JobSelection([running.id, without_worker.id])))
    answer = run(db.link, jobs.cancel(jobs.JobSelection([waiting.id, over.id, running.id])))

    assert {
        waiting.id: JobStatus.CANCELLED, over.id: None, running.id: JobStatus.RUNNING,
    } == answer  # fmt: skip
    assert before == [db.job(job_id) for job_id in (neighbour.id, over.id)]
    assert [(running.id, False, False), (waiting.id, True, True)] == db.rows(
        "select id, finished_at is not null, kept_until is not null from pgqueue.jobs"
        " where id = any(%(ids)s) order by id",
        ids=[waiting.id, running.id],
    )
    assert [("cancel", running.worker_id, running.id, 1)] == db.rows(
        "select kind::text, worker_id, job_id, attempt from pgqueue.requests"
    )


@of("cancel")
def a_cancellation_of_what_was_found_leaves_what_changed(db: QueueDatabase) -> None:
    running = db.claim_new()
    waiting, scheduled = [db.enqueue() for _ in "ab"]
    db.change(scheduled.id, status="scheduled")
    statuses, ids = ["queued", "running"], [waiting.id, scheduled.id, running.id]
    before = [db.job(scheduled.id), db.job(running.id)]

    answer = run(db.link, jobs.cancel(jobs.JobSelection(ids, statuses, [0, 0, 0])))

    assert {waiting.id: JobStatus.CANCELLED, scheduled.id: None, running.id: None} == answer
    assert before == [db.job(scheduled.id), db.job(running.id)]


@of("retry")
def a_retry_of_what_was_found_leaves_what_changed(db: QueueDatabase) -> None:
    failed, succeeded, later = [_over(db) for _ in "abc"]
    for held in (failed, later):
        db.change(held.id, status="failed")
    ids = [failed.id, succeeded.id, later.id]
    before = [db.job(succeeded.id), db.job(later.id)]

    answer = run(db.link, jobs.retry(jobs.JobSelection(ids, ["failed"], [1, 1, 0])))

    assert {failed.id: JobStatus.QUEUED, succeeded.id: None, later.id: None} == answer
    assert before == [db.job(succeeded.id), db.job(later.id)]


@of("retry")
def a_retry_revives_what_is_over_and_leaves_what_runs(db: QueueDatabase) -> None:
    over, neighbour, running = _over(db), _over(db), db.claim_new()
    before = [db.job(job_id) for job_id in (neighbour.id, running.id)]

    answer = run(db.link, jobs.retry(jobs.JobSelection([over.id, running.id])))

    assert {over.id: JobStatus.QUEUED, running.id: None} == answer
    assert before == [db.job(job_id) for job_id in (neighbour.id, running.id)]
