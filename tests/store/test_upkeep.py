"""What maintenance finds and does: due, expired, stranded and outlived jobs, and silent workers."""

from typing import TYPE_CHECKING, Any

import pytest

from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.store import attempts, processes, upkeep
from pgqueue.store.attempts import Claimed, LoggedLine, Progress
from pgqueue.store.connect import Link
from pgqueue.store.processes import Cancelling, Overdue
from pgqueue.store.statement import run
from pgqueue.store.upkeep import Unfinished

if TYPE_CHECKING:
    from tests.store.conftest import Room


def test_due_jobs_are_queued_in_the_order_they_fell_due(room: "Room") -> None:
    later, soon, never = (room.enqueue(run_after=seconds) for seconds in (60.0, 30.0, 90.0))
    waiting = room.enqueue()
    _pass_time(room, "run_at", 75)

    promoted = run(room.link, upkeep.promote(10))

    positions = [room.job(job.id).position for job in (waiting, soon, later)]
    assert 2 == promoted
    assert sorted(positions) == positions
    assert ["queued", "queued", "scheduled"] == [
        room.job(job.id).status for job in (soon, later, never)
    ]


def test_promotion_takes_the_longest_due_first_and_stops_at_its_limit(room: "Room") -> None:
    jobs = [room.enqueue(run_after=seconds) for seconds in (30.0, 10.0, 20.0)]
    _pass_time(room, "run_at", 60)

    assert 2 == run(room.link, upkeep.promote(2))
    assert ["scheduled", "queued", "queued"] == [room.job(job.id).status for job in jobs]


@pytest.mark.parametrize("status", JobStatus)
def test_only_a_job_that_waits_expires(room: "Room", status: JobStatus) -> None:
    job = room.enqueue(expires_after_seconds=60.0)
    room.change(job.id, status=status.value)
    _pass_time(room, "expires_at", 61)

    expired = run(room.link, upkeep.expire(10))

    is_waiting = status in ("scheduled", "queued", "blocked")
    row = room.job(job.id)
    assert (1 if is_waiting else 0) == expired
    assert (JobStatus.CANCELLED if is_waiting else status) == row.status
    if is_waiting:
        assert "Expired: not started before" in (row.error or "")
        assert row.finished_at is not None


def test_a_job_does_not_expire_before_its_time(room: "Room") -> None:
    room.enqueue(expires_after_seconds=60.0)

    assert 0 == run(room.link, upkeep.expire(10))


def test_what_is_over_is_pruned_with_its_attempts_and_logs(room: "Room") -> None:
    for keep_seconds in (30.0, 90.0):
        held = room.hold(keep_seconds=keep_seconds)
        run(room.link, attempts.log([LoggedLine(*_token(held), 0, "INFO", "shop", "said", 1)]))
        room.settle(held, Outcome.SUCCEEDED)
    room.settle(room.hold(keep_seconds=0.0), Outcome.FAILED)
    _pass_time(room, "kept_until", 60)

    pruned = run(room.link, upkeep.prune(10))

    left = room.rows(
        "select job.status, job.keep_seconds,"
        " (select count(*) from pgqueue.attempts where job_id = job.id),"
        " (select count(*) from pgqueue.logs where job_id = job.id)"
        " from pgqueue.jobs as job order by job.id"
    )
    assert 1 == pruned
    assert [("succeeded", 90.0, 1, 1), ("failed", 0.0, 1, 0)] == left
    assert (2,) == room.row("select count(*) from pgqueue.attempts")


def test_a_job_retried_by_hand_is_not_pruned(room: "Room") -> None:
    held = room.hold(keep_seconds=10.0)
    room.settle(held, Outcome.SUCCEEDED)
    room.rows("select pgqueue.retry(%(id)s)", id=held.id)
    _pass_time(room, "kept_until", 60)

    assert 0 == run(room.link, upkeep.prune(10))


@pytest.mark.parametrize(
    ("reason", "overdue_outcome", "neighbour_outcome"),
    [
        ("died", "lost", "lost"),
        ("silent", "lost", "lost"),
        ("finished", "lost", "lost"),
        ("stopped", "interrupted", "interrupted"),
        ("overdue", "timed_out", "interrupted"),
    ],
)
def test_the_end_of_a_worker_means_an_outcome_for_each_of_its_jobs(
    room: "Room", reason: str, overdue_outcome: str, neighbour_outcome: str
) -> None:
    jobs = [room.enqueue(timeout_seconds=seconds) for seconds in (10.0, None, 60.0)]
    worker_id = room.worker()
    room.claim(worker_id)
    _pass_time(room, "deadline_at", 30)
    run(
        room.link,
        processes.bury([worker_id], reason, "what was seen", overdue_job_id=jobs[0].id),
    )

    stranded = run(room.link, upkeep.stranded(0, 10))

    assert [
        (jobs[0].id, 1, worker_id, overdue_outcome, "what was seen", 10.0),
        (jobs[1].id, 1, worker_id, neighbour_outcome, "what was seen", None),
        (jobs[2].id, 1, worker_id, neighbour_outcome, "what was seen", 60.0),
    ] == [
        (each.id, each.attempt, each.worker_id, each.outcome, each.detail, each.timeout_seconds)
        for each in stranded
    ]


def test_what_a_dead_worker_had_not_started_was_only_interrupted(room: "Room") -> None:
    started, waiting = room.enqueue(), room.enqueue()
    worker_id = room.worker()
    room.claim(worker_id)
    run(room.link, processes.bury([worker_id], "died", "killed", started_job_ids=[started.id]))

    stranded = run(room.link, upkeep.stranded(0, 10))

    assert [(started.id, "lost", True), (waiting.id, "interrupted", False)] == [
        (each.id, each.outcome, each.is_started) for each in stranded
    ]


def test_a_worker_that_had_started_nothing_lost_nothing(room: "Room") -> None:
    held = room.hold()
    run(room.link, processes.bury([held.worker_id], "died", "killed", started_job_ids=[]))

    assert [False] == [each.is_started for each in run(room.link, upkeep.stranded(0, 10))]


def test_jobs_of_a_live_worker_are_not_stranded(room: "Room") -> None:
    room.hold()

    assert [] == run(room.link, upkeep.stranded(0, 10))


def test_a_job_whose_worker_is_forgotten_is_lost(room: "Room") -> None:
    held = room.hold()
    room.rows("delete from pgqueue.workers")

    [stranded] = run(room.link, upkeep.stranded(0, 10))

    assert (held.id, Outcome.LOST, "its row is gone") == (
        stranded.id,
        stranded.outcome,
        stranded.detail,
    )


def test_stranded_jobs_come_page_by_page(room: "Room") -> None:
    held = [room.hold() for _ in range(3)]
    run(room.link, processes.bury([each.worker_id for each in held], "died", "killed"))

    first = run(room.link, upkeep.stranded(0, 2))
    second = run(room.link, upkeep.stranded(first[-1].id, 2))

    assert [each.id for each in held] == [each.id for each in (*first, *second)]
    assert [] == run(room.link, upkeep.stranded(held[-1].id, 2))


@pytest.mark.parametrize(
    ("ask", "column"),
    [(upkeep.promote, "run_at"), (upkeep.expire, "expires_at"), (upkeep.prune, "kept_until")],
)
def test_upkeep_passes_over_jobs_that_are_locked(
    room: "Room", other_link: Link, ask: Any, column: str
) -> None:
    locked, _ = (room.enqueue(run_after=10.0, expires_after_seconds=10.0).id for _ in range(2))
    room.rows("update pgqueue.jobs set kept_until = expires_at")
    _pass_time(room, column, 60)

    with room.link.transaction():
        room.rows("select from pgqueue.jobs where id = %(id)s for update", id=locked)

        assert 1 == run(other_link, ask(10))


def test_ready_names_each_queue_and_executor_once(room: "Room") -> None:
    for queue, executor in [("b", "process"), ("a", "asyncio"), ("a", "greenlet")]:
        for _ in range(3):
            room.enqueue(queue=queue, executor=executor)
    room.enqueue(queue="later", run_after=60.0)
    room.hold(queue="running")

    ready = run(room.link, upkeep.look()).ready

    assert [
        ("a", "asyncio", False),
        ("a", "greenlet", False),
        ("b", "process", False),
    ] == ready


def test_ready_tells_quarantined_jobs_from_others(room: "Room") -> None:
    for lost_count in (1, 2):
        room.change(room.enqueue(queue="a").id, lost_count=lost_count)

    assert [("a", "greenlet", False), ("a", "greenlet", True)] == run(
        room.link, upkeep.look()
    ).ready


def test_nothing_ready_is_an_empty_answer(room: "Room") -> None:
    assert [] == run(room.link, upkeep.look()).ready


def test_unfinished_counts_by_task_in_queues_and_their_sub_queues(room: "Room") -> None:
    room.hold(queue="mail", task="shop.send")
    for queue in ("mail", "mail", "mail/eu", "mail/eu/fast", "mailbox", "other"):
        room.enqueue(task="shop.send", queue=queue)
    room.enqueue(task="shop.later", queue="mail", run_after=60.0)

    def asked(*queues: str) -> list[Unfinished]:
        return sorted(run(room.link, upkeep.unfinished(queues)), key=lambda each: each.status)

    assert [
        Unfinished(JobStatus.QUEUED, "shop.send", 2),
        Unfinished(JobStatus.RUNNING, "shop.send", 1),
    ] == asked("mail")
    assert [Unfinished(JobStatus.QUEUED, "shop.send", 2)] == asked("mail/")
    assert [Unfinished(JobStatus.QUEUED, "shop.send", 3)] == asked("mail/", "other")


def test_overdue_names_jobs_only_after_the_grace(room: "Room") -> None:
    room.enqueue(timeout_seconds=10.0)
    room.enqueue(timeout_seconds=10.0)
    worker_id = room.worker(supervisor_id=7)
    claimed = room.claim(worker_id)
    _pass_time(room, "deadline_at", 15)

    def asked(supervisor_id: int, grace_seconds: float) -> list[Overdue]:
        return run(room.link, processes.overdue(supervisor_id, grace_seconds))

    overdue = asked(7, 2)
    assert {(worker_id, each.id) for each in claimed} == {
        (each.worker_id, each.job_id) for each in overdue
    }
    assert overdue[0].overdue_seconds == pytest.approx(5, abs=0.5)
    assert [] == asked(7, 10)
    assert [] == asked(8, 2)


def test_a_running_job_asked_to_cancel_is_told_to_its_supervisor(room: "Room") -> None:
    room.enqueue()
    worker_id = room.worker(supervisor_id=7)
    [held] = room.claim(worker_id)
    room.rows("select pgqueue.cancel(%(id)s)", id=held.id)

    assert [Cancelling(worker_id, held.id, 1)] == run(room.link, processes.cancelling(7))
    assert [] == run(room.link, processes.cancelling(8))


def test_a_worker_is_silent_when_its_lease_ended(room: "Room") -> None:
    silent = room.worker(lease_seconds=-1)
    room.worker(lease_seconds=60)

    assert [silent] == run(room.link, processes.bury_silent())
    assert [] == run(room.link, processes.bury_silent())
    assert ("silent",) == room.row(
        "select stop_reason from pgqueue.workers where id = %(id)s", id=silent
    )


def test_a_buried_worker_is_neither_renewed_nor_buried_again(room: "Room") -> None:
    dead, alive = (room.worker(supervisor_id=7) for _ in range(2))
    run(room.link, processes.bury([dead], "died", "killed"))

    assert {alive} == run(room.link, processes.renew(7, 60))
    assert [] == run(room.link, processes.bury([dead], "stopped", "changed my mind"))


def test_a_stopped_worker_is_forgotten_once_its_jobs_are_settled(room: "Room") -> None:
    room.enqueue()
    busy, idle = (room.worker() for _ in range(2))
    [held] = room.claim(busy)
    run(room.link, processes.bury([busy, idle], "died", "killed"))
    room.rows("update pgqueue.workers set stopped_at = stopped_at - interval '1 hour'")

    first = run(room.link, upkeep.prune_workers(60))
    room.settle(held, Outcome.LOST)
    second = run(room.link, upkeep.prune_workers(60))

    assert (1, 1) == (first, second)


@pytest.mark.parametrize("wrong", [None, "id", "attempt", "worker_id"])
def test_logs_and_progress_are_written_only_while_the_attempt_is_held(
    room: "Room", wrong: str | None
) -> None:
    held = room.hold()
    token = {"id": held.id, "attempt": held.attempt, "worker_id": held.worker_id}
    if wrong is not None:
        token[wrong] += 1

    run(
        room.link,
        attempts.log(
            [
                LoggedLine(
                    **token, age_seconds=age, level="INFO", logger="shop", message=text, number=n
                )
                for n, (age, text) in enumerate([(2.0, "first"), (3.0, "second")], 1)
            ]
        ),
    )
    run(room.link, attempts.tell_progress([Progress(**token, fraction=0.25, message="a quarter")]))

    lines = room.rows("select message from pgqueue.logs order by id")
    row = room.job(held.id)
    if wrong is None:
        assert [("first",), ("second",)] == lines
        assert (0.25, "a quarter") == (row.progress, row.progress_message)
    else:
        assert [] == lines
        assert (None, None) == (row.progress, row.progress_message)


def test_tasks_are_recorded_again_only_when_they_changed(room: "Room") -> None:
    mail = {
        "name": "shop.mail",
        "signature": "(to: str)",
        "docstring": "Send it.",
        "options": {"queue": "mail"},
        "aliases": ["shop.send"],
    }
    run(room.link, processes.record_tasks([mail]))
    first = room.row("select xmin::text, signature from pgqueue.tasks")

    run(room.link, processes.record_tasks([mail]))
    same = room.row("select xmin::text, signature from pgqueue.tasks")
    run(room.link, processes.record_tasks([{**mail, "signature": "(to: str, cc: str)"}]))
    changed = room.row("select xmin::text, signature from pgqueue.tasks")

    assert first == same
    assert "(to: str, cc: str)" == changed[1]


def _pass_time(room: "Room", column: str, seconds: float) -> None:
    """Make a moment of every job that much earlier."""
    room.rows(
        f"update pgqueue.jobs set {column} = {column} - make_interval(secs => %(seconds)s::float8)",
        seconds=seconds,
    )


def _token(held: Claimed) -> tuple[int, int, int]:
    return held.id, held.attempt, held.worker_id
