"""What each statement has to do and to leave alone, in sentences that its conditions make true."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from room import Room

from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.store import attempts, claims, jobs, processes, upkeep
from pgqueue.store.attempts import Claimed, Ended, LoggedLine, Progress
from pgqueue.store.statement import run

Scenario = Callable[[Room], None]

SCENARIOS: dict[str, list[Scenario]] = {}


def of(*files: str) -> Callable[[Scenario], Scenario]:
    """Enter a scenario for the statements in these files."""

    def enter(scenario: Scenario) -> Scenario:
        for file in files:
            SCENARIOS.setdefault(file, []).append(scenario)
        return scenario

    return enter


def _strangers(held: Claimed) -> list[Claimed]:
    """The same attempt with one part of its token wrong."""
    return [
        held._replace(id=held.id + 1),
        held._replace(attempt=held.attempt + 1),
        held._replace(worker_id=held.worker_id + 1),
    ]


def _picture(room: Room) -> list[tuple[Any, ...]]:
    """All that a worker may write, as it stands."""
    return [
        *room.rows("select * from pgqueue.jobs order by id"),
        *room.rows("select * from pgqueue.attempts order by job_id, attempt"),
        *room.rows("select * from pgqueue.logs order by id"),
    ]


def _token(held: Claimed) -> tuple[int, int, int]:
    return held.id, held.attempt, held.worker_id


def _over(room: Room) -> Claimed:
    """An attempt that was held, and whose job is final, with its token still in the row."""
    held = room.hold()
    room.settle(held, Outcome.SUCCEEDED)
    room.change(held.id, worker_id=held.worker_id)
    return held


def _wait_seconds(room: Room, ended: Claimed) -> float:
    """From the end of an attempt until its job is due."""
    seconds: float = room.row(
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
def a_worker_takes_what_is_ready_for_it_and_nothing_else(room: Room) -> None:
    worker = room.worker()
    ready, lasting = room.enqueue(), room.enqueue(expires_after_seconds=60)
    others = [
        room.enqueue(run_after=60),
        room.enqueue(queue="mail"),
        room.enqueue(executor="process"),
        room.enqueue("shop.unknown"),
        room.enqueue(expires_after_seconds=60),
    ]
    quarantined = room.enqueue()
    room.change(quarantined.id, lost_count=2)
    room.change(others[-1].id, expires_at=room.row("select clock_timestamp()")[0])

    claimed = room.claim(worker, unknown_tasks=["shop.unknown"])

    assert [ready.id, lasting.id] == [each.id for each in claimed]
    states = {job.id: room.job(job.id).attempt for job in (*others, quarantined)}
    assert {0} == set(states.values())
    assert 1 == room.job(ready.id).attempt


@of("claim")
def a_worker_that_ended_or_never_was_claims_nothing(room: Room) -> None:
    ended, alive = room.worker(), room.worker()
    run(room.link, processes.bury([ended], "died", ""))
    job = room.enqueue()

    assert [] == room.claim(ended)
    assert [] == room.claim(alive + 1)
    assert [alive] == [each.worker_id for each in room.claim(alive)]
    assert 1 == room.job(job.id).attempt


@of("claim")
def a_prefetch_ends_before_an_at_most_once_job(room: Room) -> None:
    worker = room.worker()
    deliveries = ("at_most_once", "at_least_once", "at_most_once", "at_least_once")
    jobs = [room.enqueue(delivery=delivery) for delivery in deliveries]

    claimed = room.claim(worker, jobs_max=4, slots_free=1)

    assert [jobs[0].id, jobs[1].id] == [each.id for each in claimed]
    assert [1, 1, 0, 0] == [room.job(job.id).attempt for job in jobs]


@of("claim")
def a_span_begins_behind_its_place_and_ends_with_its_priority(room: Room) -> None:
    worker = room.worker()
    before, inside, *beyond = [room.enqueue(priority=priority) for priority in (3, 3, 2, 1, 4)]
    span = claims.Span("default", 3, before.position, 2)
    asked = claims.claim(
        worker_id=worker,
        executor="greenlet",
        spans=[span],
        unknown_tasks=[],
        jobs_max=9,
        slots_free=9,
    )

    claimed = run(room.link, asked).claimed

    assert [inside.id, beyond[0].id] == [each.id for each in claimed]


# Settle and hold.


@of("settle")
def an_attempt_with_a_wrong_token_settles_nothing(room: Room) -> None:
    held = room.hold()
    room.hold()
    before = _picture(room)

    for stranger in _strangers(held):
        for outcome in (Outcome.SUCCEEDED, Outcome.FAILED, Outcome.INTERRUPTED):
            assert {} == room.settle(stranger, outcome)

    assert before == _picture(room)
    assert {(held.id, held.attempt): JobStatus.SUCCEEDED} == room.settle(held, Outcome.SUCCEEDED)


@of("settle")
def an_attempt_that_is_over_settles_nothing(room: Room) -> None:
    held = _over(room)
    # Else the key of the attempt's row would refuse what the fence lets through.
    room.rows("delete from pgqueue.attempts")
    before = _picture(room)

    assert {} == room.settle(held, Outcome.FAILED, retryable=False)

    assert before == _picture(room)


@of("settle")
def one_of_many_is_settled_and_the_others_are_left(room: Room) -> None:
    held, other = room.hold(keep_seconds=0.0), room.hold(keep_seconds=0.0)
    neighbour = room.hold()
    before = room.job(neighbour.id)

    assert {(held.id, 1): JobStatus.SUCCEEDED} == room.settle(held, Outcome.SUCCEEDED)
    assert {(other.id, 1): JobStatus.FAILED} == room.settle(other, Outcome.FAILED)

    assert before == room.job(neighbour.id)
    assert [(other.id, "failed")] == room.rows("select job_id, outcome from pgqueue.attempts")
    left = [(other.id, "failed"), (neighbour.id, "running")]
    assert left == room.rows("select id, status from pgqueue.jobs order by id")


@of("settle")
def only_a_success_without_keep_leaves_no_trace(room: Room) -> None:
    kept, dropped = room.hold(), room.hold(keep_seconds=0.0)
    for held in (kept, dropped):
        run(room.link, attempts.log([LoggedLine(*_token(held), 0.0, "INFO", "shop", "begun", 1)]))
    room.rows(
        "insert into pgqueue.attempts (job_id, attempt, outcome) values (%(id)s, 0, 'lost')",
        id=dropped.id,
    )

    room.settle(kept, Outcome.SUCCEEDED)
    room.settle(dropped, Outcome.SUCCEEDED)

    assert [(kept.id, "succeeded")] == room.rows("select job_id, outcome from pgqueue.attempts")
    assert [(kept.id,)] == room.rows("select job_id from pgqueue.logs")
    assert [(kept.id, "succeeded")] == room.rows("select id, status from pgqueue.jobs")


@of("settle")
def a_job_without_keep_that_somebody_refers_to_is_held_still(room: Room) -> None:
    referred, free = room.hold(keep_seconds=0.0), room.hold(keep_seconds=0.0)

    with room.locked(referred.id, "key share"):
        answer = run(
            room.link,
            attempts.settle([Ended(*_token(each), Outcome.SUCCEEDED) for each in (referred, free)]),
        )

    assert {(referred.id, 1): None, (free.id, 1): JobStatus.SUCCEEDED} == answer
    assert [(referred.id, "running")] == room.rows("select id, status from pgqueue.jobs")


@of("settle")
def each_end_is_answered_once(room: Room) -> None:
    kept, dropped, referred = room.hold(), room.hold(keep_seconds=0), room.hold(keep_seconds=0)
    ends = [Ended(*_token(each), Outcome.SUCCEEDED) for each in (kept, dropped, referred)]

    with room.locked(referred.id, "key share"):
        rows = run(room.link, replace(attempts.settle(ends), decode=list))

    assert [kept.id, dropped.id, referred.id] == sorted(row[0] for row in rows)


@of("settle")
def an_attempt_that_somebody_has_locked_is_held_still(room: Room) -> None:
    locked, free = room.hold(), room.hold()

    with room.locked(locked.id):
        answer = run(
            room.link,
            attempts.settle([Ended(*_token(each), Outcome.SUCCEEDED) for each in (locked, free)]),
        )

    assert {(locked.id, 1): None, (free.id, 1): JobStatus.SUCCEEDED} == answer
    assert JobStatus.RUNNING == room.job(locked.id).status


@of("settle")
def a_job_that_was_handed_back_is_queued_anew(room: Room) -> None:
    for outcome, losses in ((Outcome.INTERRUPTED, 1), (Outcome.LOST, 2)):
        held = room.hold(run_after=-60.0)
        room.change(held.id, lost_count=1)
        other = room.enqueue()

        assert {(held.id, 1): JobStatus.QUEUED} == room.settle(held, outcome)

        job = room.job(held.id)
        assert (0, losses, None, None, None) == (
            job.failure_count, job.lost_count, job.worker_id, job.finished_at, job.error,
        )  # fmt: skip
        assert other.position < job.position
        assert 0 == _wait_seconds(room, held)
        room.rows("delete from pgqueue.jobs")


@of("settle")
def the_third_loss_in_a_row_is_the_last(room: Room) -> None:
    held = room.hold(max_attempts=9)
    room.change(held.id, lost_count=2)

    assert {(held.id, 1): JobStatus.FAILED} == room.settle(held, Outcome.LOST)


@of("settle")
def a_failure_waits_as_its_row_says_while_attempts_are_left(room: Room) -> None:
    policy = {"max_attempts": 2, "backoff": "fixed", "backoff_base_seconds": 100.0}
    plain, spread = (room.hold(backoff_jitter=jitter, **policy) for jitter in (False, True))
    at_once, refused, last = room.hold(**policy), room.hold(**policy), room.hold()

    assert {(plain.id, 1): JobStatus.SCHEDULED} == room.settle(plain, Outcome.FAILED)
    assert {(spread.id, 1): JobStatus.SCHEDULED} == room.settle(spread, Outcome.FAILED)
    assert {(at_once.id, 1): JobStatus.QUEUED} == room.settle(
        at_once, Outcome.FAILED, delay_seconds=0.0
    )
    assert {(refused.id, 1): JobStatus.FAILED} == room.settle(
        refused, Outcome.FAILED, retryable=False
    )
    assert {(last.id, 1): JobStatus.FAILED} == room.settle(last, Outcome.TIMED_OUT)

    assert 100 == _wait_seconds(room, plain)
    assert 50 <= _wait_seconds(room, spread) < 100
    assert (None, None) == (room.job(plain.id).worker_id, room.job(plain.id).finished_at)
    assert room.job(last.id).finished_at is not None


@of("settle")
def a_snooze_is_no_failure_whatever_counts_as_one(room: Room) -> None:
    held = room.hold()

    room.settle(held, Outcome.SNOOZED, delay_seconds=60.0, retryable=False)

    assert (JobStatus.SCHEDULED, 0) == (room.job(held.id).status, room.job(held.id).failure_count)
    assert 60 == _wait_seconds(room, held)


@of("settle")
def a_cancellation_wins_over_every_outcome_but_success(room: Room) -> None:
    now = room.row("select clock_timestamp()")[0]
    own, asked, late = (room.hold(max_attempts=3) for _ in range(3))
    for job_id in (asked.id, late.id):
        room.change(job_id, cancel_requested_at=now)

    assert {(own.id, 1): JobStatus.CANCELLED} == room.settle(own, Outcome.CANCELLED)
    assert {(asked.id, 1): JobStatus.CANCELLED} == room.settle(asked, Outcome.FAILED)
    assert {(late.id, 1): JobStatus.SUCCEEDED} == room.settle(late, Outcome.SUCCEEDED)


@of("settle")
def an_at_most_once_job_that_started_is_never_started_again(room: Room) -> None:
    started, waiting = (room.hold(delivery="at_most_once", max_attempts=3) for _ in range(2))
    failed = room.hold(delivery="at_most_once", max_attempts=3)

    assert {(started.id, 1): JobStatus.FAILED} == room.settle(started, Outcome.INTERRUPTED)
    assert {(waiting.id, 1): JobStatus.QUEUED} == room.settle(
        waiting, Outcome.INTERRUPTED, waited_seconds=None
    )
    assert {(failed.id, 1): JobStatus.FAILED} == room.settle(
        failed, Outcome.FAILED, error_type="ValueError", error_message="why"
    )

    never = "NeverStartedTwice: the job is at_most_once and had started"
    errors = [room.job(each.id).error for each in (started, waiting, failed)]
    assert [never, None, "ValueError: why"] == errors


@of("settle")
def only_a_job_that_never_started_may_still_expire(room: Room) -> None:
    waiting, started = (room.hold(expires_after_seconds=60) for _ in range(2))
    room.settle(waiting, Outcome.INTERRUPTED, waited_seconds=None)
    room.settle(started, Outcome.INTERRUPTED)

    assert room.job(waiting.id).expires_at is not None
    assert room.job(started.id).expires_at is None


@of("settle")
def successes_and_cancellations_go_in_time_and_failures_stay(room: Room) -> None:
    kept = {}
    for outcome in (Outcome.SUCCEEDED, Outcome.CANCELLED, Outcome.FAILED):
        held = room.hold(keep_seconds=60.0)
        room.change(held.id, error="of an attempt before")
        room.settle(held, outcome)
        kept[outcome], error = room.row(
            "select extract(epoch from kept_until - finished_at)::integer, error"
            " from pgqueue.jobs where id = %(id)s",
            id=held.id,
        )
        assert (outcome is Outcome.SUCCEEDED) == (error is None)

    assert {Outcome.SUCCEEDED: 60, Outcome.CANCELLED: 86_400, Outcome.FAILED: None} == kept


@of("hold")
def only_the_holder_of_a_running_attempt_holds_it(room: Room) -> None:
    held, over = room.hold(), _over(room)

    assert run(room.link, attempts.hold(*_token(held)))
    for stranger in _strangers(held):
        assert not run(room.link, attempts.hold(*_token(stranger)))
    assert not run(room.link, attempts.hold(*_token(over)))


# Progress and logs.


@of("progress", "log")
def notes_are_written_for_the_attempt_that_is_held_and_for_no_other(room: Room) -> None:
    held, neighbour, over = room.hold(), room.hold(), _over(room)
    before = _picture(room)

    for wrong in (*_strangers(held), over):
        if wrong.id == neighbour.id:
            continue  # one number off, and another's: told apart below
        run(room.link, attempts.tell_progress([Progress(*_token(wrong), 0.5, "half")]))
        run(room.link, attempts.log([LoggedLine(*_token(wrong), 0.0, "INFO", "shop", "late", 1)]))
    assert before == _picture(room)

    run(room.link, attempts.tell_progress([Progress(*_token(held), 0.5, "half")]))
    run(room.link, attempts.log([LoggedLine(*_token(held), 0.0, "INFO", "shop", "in time", 1)]))
    assert (0.5, "half") == (room.job(held.id).progress, room.job(held.id).progress_message)
    assert room.job(neighbour.id).progress is None
    assert [(held.id, "in time")] == room.rows("select job_id, message from pgqueue.logs")


@of("log")
def a_line_is_written_once_however_often_it_is_asked_for(room: Room) -> None:
    held, other = room.hold(), room.hold()
    lines = [LoggedLine(*_token(held), 0.0, "INFO", "shop", str(n), n) for n in (1, 2, 3, 4)]
    run(room.link, attempts.log([LoggedLine(*_token(other), 0.0, "INFO", "shop", "1", 1)]))
    room.rows(
        "insert into pgqueue.logs (job_id, attempt, number, level, message)"
        " values (%(id)s, 0, 2, 'INFO', 'of an earlier attempt')",
        id=held.id,
    )

    # The first was dropped.
    run(room.link, attempts.log(lines[1:3]))
    run(room.link, attempts.log(lines[1:]))

    assert [("2",), ("3",), ("4",)] == room.rows(
        "select message from pgqueue.logs where job_id = %(id)s and attempt = 1 order by id",
        id=held.id,
    )


@of("log")
def a_line_of_a_job_without_keep_is_written_unless_it_is_about_to_go(room: Room) -> None:
    going, staying, kept = room.hold(keep_seconds=0.0), room.hold(keep_seconds=0.0), room.hold()
    lines = [
        LoggedLine(*_token(each), 0.0, "INFO", "shop", "", 1) for each in (going, staying, kept)
    ]

    with room.locked(going.id, "update"), room.locked(kept.id, "update"):
        run(room.link, attempts.log(lines))

    assert [(staying.id,), (kept.id,)] == room.rows("select job_id from pgqueue.logs order by id")


# What a supervisor writes of workers.


@of("renew", "bury", "bury_silent", "started_worker", "note_unknown")
def a_worker_is_renewed_and_ended_by_its_own_supervisor_and_once(room: Room) -> None:
    mine, others, ended = room.worker(), room.worker(supervisor_id=2), room.worker()
    run(room.link, processes.bury([ended], "died", "first"))
    assert [] == run(room.link, processes.bury([ended], "stopped", "second"))
    before = room.rows("select * from pgqueue.workers where id <> %(id)s order by id", id=mine)

    run(room.link, processes.started_worker(mine, 77))
    run(room.link, processes.note_unknown(mine, ["shop.gone"]))
    assert {mine} == run(room.link, processes.renew(1, 60))
    assert [] == run(room.link, processes.bury_silent())
    assert [mine] == run(room.link, processes.bury([mine], "stopped", "told"))

    assert before == room.rows(
        "select * from pgqueue.workers where id <> %(id)s order by id", id=mine
    )
    assert (77, ["shop.gone"], "told") == room.row(
        "select pid, unknown_tasks, stop_detail from pgqueue.workers where id = %(id)s", id=mine
    )
    assert ("died", None) == room.row(
        "select stop_reason, pid from pgqueue.workers where id = %(id)s", id=ended
    )
    assert (None,) == room.row(
        "select stop_reason from pgqueue.workers where id = %(id)s", id=others
    )


@of("bury_silent")
def a_worker_is_given_up_when_its_lease_has_ended_and_once(room: Room) -> None:
    live, silent, ended = (
        room.worker(),
        room.worker(lease_seconds=-1),
        room.worker(lease_seconds=-1),
    )
    run(room.link, processes.bury([ended], "died", "first"))

    assert [silent] == run(room.link, processes.bury_silent())

    assert [(live, None), (silent, "silent"), (ended, "died")] == room.rows(
        "select id, stop_reason from pgqueue.workers order by id"
    )


# What a supervisor decides about jobs.


@of("stranded")
def jobs_of_workers_that_ended_are_stranded_and_no_others(room: Room) -> None:
    live, dead, gone, over = room.hold(), room.hold(), room.hold(), _over(room)
    run(room.link, processes.bury([dead.worker_id, over.worker_id], "died", ""))
    room.rows("delete from pgqueue.workers where id = %(id)s", id=gone.worker_id)

    found = run(room.link, upkeep.stranded(0, 10))

    assert [dead.id, gone.id] == [each.id for each in found]
    assert live.id not in [each.id for each in found]
    assert [gone.id] == [each.id for each in run(room.link, upkeep.stranded(dead.id, 10))]


@of("stranded")
def the_end_of_a_worker_says_what_befell_its_jobs(room: Room) -> None:
    befell = {}
    for reason in ("overdue", "stopped", "died", "silent"):
        worker = room.worker()
        first, started, waiting = (room.enqueue().id for _ in range(3))
        room.claim(worker)
        # Whose fault it was counts only where that is what the worker was killed for.
        burial = processes.bury(
            [worker], reason, "", overdue_job_id=first, started_job_ids=[first, started]
        )
        run(room.link, burial)
        found = {each.id: each.outcome for each in run(room.link, upkeep.stranded(0, 10))}
        befell[reason] = [found[job_id] for job_id in (first, started, waiting)]
        room.rows("delete from pgqueue.jobs")

    lost, interrupted = Outcome.LOST, Outcome.INTERRUPTED
    assert {
        "overdue": [Outcome.TIMED_OUT, interrupted, interrupted],
        "stopped": [interrupted, interrupted, interrupted],
        "died": [lost, lost, interrupted],
        "silent": [lost, lost, interrupted],
    } == befell


@of("stranded")
def what_a_worker_had_started_is_lost_where_nobody_knows(room: Room) -> None:
    held = room.hold()
    run(room.link, processes.bury([held.worker_id], "died", ""))

    [found] = run(room.link, upkeep.stranded(0, 10))

    assert (Outcome.LOST, True) == (found.outcome, found.is_started)


@of("overdue")
def a_job_is_overdue_past_its_deadline_and_the_grace_under_a_live_worker_of_ours(
    room: Room,
) -> None:
    late, in_time, over, dead = (room.hold(timeout_seconds=1.0) for _ in range(4))
    past = room.row("select clock_timestamp() - interval '10 s'")[0]
    room.settle(over, Outcome.SUCCEEDED)
    room.change(over.id, worker_id=over.worker_id)
    run(room.link, processes.bury([dead.worker_id], "died", ""))
    foreign = room.enqueue(timeout_seconds=1.0)
    theirs = room.claim(room.worker(supervisor_id=2))
    for job_id in (late.id, over.id, dead.id, foreign.id):
        room.change(job_id, deadline_at=past)

    found = run(room.link, processes.overdue(1, 5.0))

    assert [foreign.id] == [each.id for each in theirs]
    assert [late.id] == [each.job_id for each in found]
    assert in_time.id not in [each.job_id for each in found]


@of("cancelling")
def a_running_job_of_ours_that_was_asked_to_cancel_is_told(room: Room) -> None:
    asked, unasked, over = room.hold(), room.hold(), _over(room)
    foreign = room.enqueue()
    room.claim(room.worker(supervisor_id=2))
    now = room.row("select clock_timestamp()")[0]
    for job_id in (asked.id, over.id, foreign.id):
        room.change(job_id, cancel_requested_at=now)

    found = run(room.link, processes.cancelling(1))

    assert [asked.id] == [each.id for each in found]
    assert unasked.id not in [each.id for each in found]


@of("claimed")
def a_worker_is_told_of_the_attempts_that_are_its_own(room: Room) -> None:
    held, _, over = room.hold(), room.hold(), _over(room)
    room.change(over.id, worker_id=held.worker_id)

    assert [held.id] == [each.id for each in run(room.link, attempts.claimed(held.worker_id))]


@of("promote")
def what_is_due_is_queued_and_nothing_else(room: Room) -> None:
    past = room.row("select clock_timestamp() - interval '1 s'")[0]
    due, later, over = room.enqueue(run_after=60), room.enqueue(run_after=60), _over(room)
    room.change(due.id, run_at=past)
    room.change(over.id, run_at=past)

    assert 0 == run(room.link, upkeep.promote(10, [due.id]))
    assert 1 == run(room.link, upkeep.promote(10))

    statuses = [room.job(job_id).status for job_id in (due.id, later.id, over.id)]
    assert [JobStatus.QUEUED, JobStatus.SCHEDULED, JobStatus.SUCCEEDED] == statuses


@of("expire")
def what_waits_beyond_its_time_expires_and_nothing_else(room: Room) -> None:
    past = room.row("select clock_timestamp() - interval '1 s'")[0]
    running, over = room.hold(), _over(room)
    late, early = room.enqueue(), room.enqueue(expires_after_seconds=60)
    for job_id in (running.id, over.id, late.id):
        room.change(job_id, expires_at=past)

    assert 0 == run(room.link, upkeep.expire(10, [late.id]))
    assert 1 == run(room.link, upkeep.expire(10))

    statuses = [room.job(job_id).status for job_id in (running.id, over.id, late.id, early.id)]
    assert [
        JobStatus.RUNNING, JobStatus.SUCCEEDED, JobStatus.CANCELLED, JobStatus.QUEUED,
    ] == statuses  # fmt: skip


@of("prune")
def what_is_kept_until_now_is_pruned_with_all_that_is_its_own(room: Room) -> None:
    past = room.row("select clock_timestamp() - interval '1 s'")[0]
    over, kept, running = _over(room), _over(room), room.hold()
    room.change(over.id, kept_until=past)
    for job_id in (over.id, kept.id, running.id):
        room.rows(
            "insert into pgqueue.logs (job_id, attempt, level, message)"
            " values (%(id)s, 1, 'INFO', '')",
            id=job_id,
        )

    assert 0 == run(room.link, upkeep.prune(10, [over.id]))
    assert 1 == run(room.link, upkeep.prune(10))

    left = [(kept.id,), (running.id,)]
    assert left == room.rows("select id from pgqueue.jobs order by id")
    assert left == room.rows("select job_id from pgqueue.logs order by job_id")
    assert left[:1] == room.rows("select job_id from pgqueue.attempts")


@of("prune_workers")
def a_worker_is_forgotten_when_it_ended_long_ago_and_holds_nothing(room: Room) -> None:
    live, fresh, idle, holds = room.worker(), room.worker(), room.worker(), room.hold().worker_id
    finished = _over(room).worker_id
    run(room.link, processes.bury([fresh, idle, holds, finished], "died", ""))
    room.rows(
        "update pgqueue.workers set stopped_at = stopped_at - interval '1 h' where id <> %(id)s",
        id=fresh,
    )

    assert 2 == run(room.link, upkeep.prune_workers(60))

    assert [(live,), (fresh,), (holds,)] == room.rows("select id from pgqueue.workers order by id")


# What a person decides.


@of("cancel")
def a_cancellation_ends_what_waits_and_asks_for_what_runs(room: Room) -> None:
    over, running = _over(room), room.hold()
    waiting, neighbour = room.enqueue(keep_seconds=60.0), room.enqueue()
    before = [room.job(job_id) for job_id in (neighbour.id, over.id)]

    answer = run(room.link, jobs.cancel(jobs.Meant([waiting.id, over.id, running.id])))

    assert {
        waiting.id: JobStatus.CANCELLED, over.id: None, running.id: JobStatus.RUNNING,
    } == answer  # fmt: skip
    assert before == [room.job(job_id) for job_id in (neighbour.id, over.id)]
    assert [(running.id, False, False), (waiting.id, True, True)] == room.rows(
        "select id, finished_at is not null, kept_until is not null from pgqueue.jobs"
        " where id = any(%(ids)s) order by id",
        ids=[waiting.id, running.id],
    )


@of("cancel")
def a_cancellation_of_what_was_found_leaves_what_changed(room: Room) -> None:
    running = room.hold()
    waiting, scheduled = [room.enqueue() for _ in "ab"]
    room.change(scheduled.id, status="scheduled")
    statuses, ids = ["queued", "running"], [waiting.id, scheduled.id, running.id]
    before = [room.job(scheduled.id), room.job(running.id)]

    answer = run(room.link, jobs.cancel(jobs.Meant(ids, statuses, [0, 0, 0])))

    assert {waiting.id: JobStatus.CANCELLED, scheduled.id: None, running.id: None} == answer
    assert before == [room.job(scheduled.id), room.job(running.id)]


@of("retry")
def a_retry_of_what_was_found_leaves_what_changed(room: Room) -> None:
    failed, succeeded, later = [_over(room) for _ in "abc"]
    for held in (failed, later):
        room.change(held.id, status="failed")
    ids = [failed.id, succeeded.id, later.id]
    before = [room.job(succeeded.id), room.job(later.id)]

    answer = run(room.link, jobs.retry(jobs.Meant(ids, ["failed"], [1, 1, 0])))

    assert {failed.id: JobStatus.QUEUED, succeeded.id: None, later.id: None} == answer
    assert before == [room.job(succeeded.id), room.job(later.id)]


@of("retry")
def a_retry_revives_what_is_over_and_leaves_what_runs(room: Room) -> None:
    over, neighbour, running = _over(room), _over(room), room.hold()
    before = [room.job(job_id) for job_id in (neighbour.id, running.id)]

    answer = run(room.link, jobs.retry(jobs.Meant([over.id, running.id])))

    assert {over.id: JobStatus.QUEUED, running.id: None} == answer
    assert before == [room.job(job_id) for job_id in (neighbour.id, running.id)]
