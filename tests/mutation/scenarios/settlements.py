"""A settlement changes its own job only, as its outcome says."""

from dataclasses import replace

from queue_database import QueueDatabase
from settling import token, wait_seconds

from mutation.scenarios.registry import finished_attempt, of, written_rows, wrong_tokens
from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.store import logs, settlements
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.store.logs import NewLogLine
from pgqueue.store.settlements import Settlement
from pgqueue.store.statement import run


@of("settle")
def an_attempt_with_a_wrong_token_settles_nothing(db: QueueDatabase) -> None:
    claimed = db.claim_new()
    db.claim_new()
    before = written_rows(db)

    for wrong in wrong_tokens(claimed):
        for outcome in (Outcome.SUCCEEDED, Outcome.FAILED, Outcome.INTERRUPTED):
            assert {} == db.settle(wrong, outcome)

    assert before == written_rows(db)
    assert {(claimed.id, claimed.attempt): JobStatus.SUCCEEDED} == db.settle(
        claimed, Outcome.SUCCEEDED
    )


@of("settle")
def a_finished_attempt_settles_nothing(db: QueueDatabase) -> None:
    claimed = finished_attempt(db)
    # The key of an existing row would refuse a second row, with or without the fence.
    db.rows("delete from pgqueue.attempts")
    before = written_rows(db)

    assert {} == db.settle(claimed, Outcome.FAILED, retryable=False)

    assert before == written_rows(db)


@of("settle")
def a_settlement_changes_its_own_job_only(db: QueueDatabase) -> None:
    claimed, other = db.claim_new(keep_seconds=0.0), db.claim_new(keep_seconds=0.0)
    neighbour = db.claim_new()
    before = db.job(neighbour.id)

    assert {(claimed.id, 1): JobStatus.SUCCEEDED} == db.settle(claimed, Outcome.SUCCEEDED)
    assert {(other.id, 1): JobStatus.FAILED} == db.settle(other, Outcome.FAILED)

    assert before == db.job(neighbour.id)
    assert [(other.id, "failed")] == db.rows("select job_id, outcome from pgqueue.attempts")
    remaining = [(other.id, "failed"), (neighbour.id, "running")]
    assert remaining == db.rows("select id, status from pgqueue.jobs order by id")


@of("settle")
def only_a_success_without_keep_leaves_no_trace(db: QueueDatabase) -> None:
    kept, dropped = db.claim_new(), db.claim_new(keep_seconds=0.0)
    for claimed in (kept, dropped):
        run(
            db.link,
            logs.add_log_lines([NewLogLine(*token(claimed), 0.0, "INFO", "shop", "started", 1)]),
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
def an_attempt_of_a_referenced_job_to_be_deleted_stays_active(db: QueueDatabase) -> None:
    referred, free = db.claim_new(keep_seconds=0.0), db.claim_new(keep_seconds=0.0)

    with db.locked(referred.id, "key share"):
        answer = run(
            db.link,
            settlements.settle(
                [Settlement(*token(attempt), Outcome.SUCCEEDED) for attempt in (referred, free)]
            ),
        )

    assert {(referred.id, 1): None, (free.id, 1): JobStatus.SUCCEEDED} == answer
    assert [(referred.id, "running")] == db.rows("select id, status from pgqueue.jobs")


@of("settle")
def each_settlement_has_one_answer(db: QueueDatabase) -> None:
    kept, dropped, referred = (
        db.claim_new(),
        db.claim_new(keep_seconds=0),
        db.claim_new(keep_seconds=0),
    )
    ends = [Settlement(*token(attempt), Outcome.SUCCEEDED) for attempt in (kept, dropped, referred)]

    with db.locked(referred.id, "key share"):
        rows = run(db.link, replace(settlements.settle(ends), decode=list))

    assert [kept.id, dropped.id, referred.id] == sorted(row[0] for row in rows)


@of("settle")
def a_locked_attempt_stays_active(db: QueueDatabase) -> None:
    locked, free = db.claim_new(), db.claim_new()

    with db.locked(locked.id):
        answer = run(
            db.link,
            settlements.settle(
                [Settlement(*token(attempt), Outcome.SUCCEEDED) for attempt in (locked, free)]
            ),
        )

    assert {(locked.id, 1): None, (free.id, 1): JobStatus.SUCCEEDED} == answer
    assert JobStatus.RUNNING == db.job(locked.id).status


@of("settle")
def a_job_returned_to_the_queue_waits_behind_the_others(db: QueueDatabase) -> None:
    for outcome, losses in ((Outcome.INTERRUPTED, 1), (Outcome.LOST, 2)):
        claimed = db.claim_new(run_after=-60.0)
        db.change(claimed.id, lost_count=1)
        other = db.enqueue()

        assert {(claimed.id, 1): JobStatus.QUEUED} == db.settle(claimed, outcome)

        job = db.job(claimed.id)
        assert (0, losses, None, None, None) == (
            job.failure_count, job.lost_count, job.worker_id, job.finished_at, job.error,
        )  # fmt: skip
        assert other.position < job.position
        assert 0 == wait_seconds(db, claimed)
        db.rows("delete from pgqueue.jobs")


@of("settle")
def the_third_loss_in_a_row_is_the_last(db: QueueDatabase) -> None:
    claimed = db.claim_new(max_attempts=9)
    db.change(claimed.id, lost_count=2)

    assert {(claimed.id, 1): JobStatus.FAILED} == db.settle(claimed, Outcome.LOST)


@of("settle")
def a_failure_waits_as_its_row_says_while_attempts_remain(db: QueueDatabase) -> None:
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

    assert 100 == wait_seconds(db, plain)
    assert 50 <= wait_seconds(db, spread) < 100
    assert (None, None) == (db.job(plain.id).worker_id, db.job(plain.id).finished_at)
    assert db.job(last.id).finished_at is not None


@of("settle")
def a_snooze_never_counts_as_a_failure(db: QueueDatabase) -> None:
    claimed = db.claim_new()

    db.settle(claimed, Outcome.SNOOZED, delay_seconds=60.0, retryable=False)

    assert (JobStatus.SCHEDULED, 0) == (
        db.job(claimed.id).status,
        db.job(claimed.id).failure_count,
    )
    assert 60 == wait_seconds(db, claimed)


@of("settle")
def a_cancellation_wins_over_every_outcome_but_success(db: QueueDatabase) -> None:
    now = db.row("select clock_timestamp()")[0]
    own, requested, late = (db.claim_new(max_attempts=3) for _ in range(3))
    for job_id in (requested.id, late.id):
        db.change(job_id, cancel_requested_at=now)

    assert {(own.id, 1): JobStatus.CANCELLED} == db.settle(own, Outcome.CANCELLED)
    assert {(requested.id, 1): JobStatus.CANCELLED} == db.settle(requested, Outcome.FAILED)
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
    errors = [db.job(attempt.id).error for attempt in (started, waiting, failed)]
    assert [never, None, "ValueError: why"] == errors


@of("settle")
def only_a_job_that_never_started_may_still_expire(db: QueueDatabase) -> None:
    waiting, started = (db.claim_new(expires_after_seconds=60) for _ in range(2))
    db.settle(waiting, Outcome.INTERRUPTED, waited_seconds=None)
    db.settle(started, Outcome.INTERRUPTED)

    assert db.job(waiting.id).expires_at is not None
    assert db.job(started.id).expires_at is None


@of("settle")
def successes_and_cancellations_are_deleted_in_time_and_failures_stay(db: QueueDatabase) -> None:
    kept = {}
    for outcome in (Outcome.SUCCEEDED, Outcome.CANCELLED, Outcome.FAILED):
        claimed = db.claim_new(keep_seconds=60.0)
        db.change(claimed.id, error="of an attempt before")
        db.settle(claimed, outcome)
        kept[outcome], error = db.row(
            "select extract(epoch from kept_until - finished_at)::integer, error"
            " from pgqueue.jobs where id = %(id)s",
            id=claimed.id,
        )
        assert (outcome is Outcome.SUCCEEDED) == (error is None)

    assert {Outcome.SUCCEEDED: 60, Outcome.CANCELLED: 86_400, Outcome.FAILED: None} == kept


@of("find_completed")
def a_completed_attempt_is_one_that_succeeded_or_is_gone(db: QueueDatabase) -> None:
    succeeded, failed, running, gone = (db.claim_new() for _ in range(4))
    db.settle(succeeded, Outcome.SUCCEEDED)
    db.settle(failed, Outcome.FAILED)
    db.link.fetch("delete from pgqueue.jobs where id = %(id)s", {"id": gone.id})
    keys = [(job.id, job.attempt) for job in (succeeded, failed, running, gone)]

    recorded = run(db.link, settlements.find_completed([*keys, (succeeded.id, 2)]))

    assert {keys[0], keys[3]} == recorded


@of("settle")
def a_settlement_that_omits_its_attempt_writes_no_row_of_it(db: QueueDatabase) -> None:
    claimed = db.claim_new()

    assert {(claimed.id, 1): JobStatus.SUCCEEDED} == db.settle(
        claimed, Outcome.SUCCEEDED, omits_attempt=True
    )

    assert [] == db.rows("select job_id from pgqueue.attempts")


@of("settle")
def a_job_that_a_trigger_keeps_running_has_no_ended_attempt(db: QueueDatabase) -> None:
    _check_that_trigger_refuses(db, "begin new.status := old.status; return new; end")


@of("settle")
def a_job_that_a_trigger_skips_has_no_ended_attempt(db: QueueDatabase) -> None:
    _check_that_trigger_refuses(db, "begin return null; end")


def _check_that_trigger_refuses(db: QueueDatabase, body: str) -> None:
    claimed, other = db.claim_new(), db.claim_new()
    db.rows(f"create function pgqueue.keeps() returns trigger language plpgsql as $$ {body} $$")
    db.rows(
        "create trigger keeps before update on pgqueue.jobs for each row"
        f" when (old.id = {claimed.id}) execute function pgqueue.keeps()"
    )
    try:
        answer = run(
            db.link,
            settlements.settle(
                [Settlement(*token(attempt), Outcome.FAILED) for attempt in (claimed, other)]
            ),
        )
    finally:
        db.rows("drop function pgqueue.keeps() cascade")

    assert {(claimed.id, 1): settlements.SKIPPED, (other.id, 1): JobStatus.FAILED} == answer
    assert [(other.id,)] == db.rows("select job_id from pgqueue.attempts")


@of("keep_late_errors")
def a_late_error_is_kept_with_its_own_succeeded_attempt_alone(db: QueueDatabase) -> None:
    succeeded, neighbour, failed = (db.claim_new() for _ in range(3))
    for claimed, outcome in (
        (succeeded, Outcome.SUCCEEDED),
        (neighbour, Outcome.SUCCEEDED),
        (failed, Outcome.FAILED),
    ):
        db.settle(claimed, outcome)
    db.link.raw.execute("update pgqueue.attempts set worker_id = %s", [succeeded.worker_id])
    failed = failed._replace(worker_id=succeeded.worker_id)
    before = written_rows(db)

    def keep(claimed: ClaimedAttempt) -> None:
        token = (claimed.id, claimed.attempt, claimed.worker_id)
        late = Settlement(*token, Outcome.FAILED, error_type="KeyError", traceback="late")
        run(db.link, settlements.keep_late_errors([late]))

    keep(succeeded._replace(attempt=2))
    keep(succeeded._replace(worker_id=succeeded.worker_id + 99))
    keep(failed)
    assert before == written_rows(db)

    keep(succeeded)
    assert [(succeeded.id, "KeyError", None, "late")] == db.rows(
        "select job_id, error_type, error_message, traceback from pgqueue.attempts"
        " where error_type is not null"
    )
