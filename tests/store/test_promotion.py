"""Scheduled jobs are queued when they are due."""

from queue_database import QueueDatabase

from pgqueue.store import promotion
from pgqueue.store.statement import run


def test_due_jobs_are_queued_in_the_order_they_fell_due(db: QueueDatabase) -> None:
    later, soon, never = (db.enqueue(run_after=seconds) for seconds in (60.0, 30.0, 90.0))
    waiting = db.enqueue()
    db.pass_time("run_at", 75)

    promoted = run(db.link, promotion.promote(10))

    positions = [db.job(job.id).position for job in (waiting, soon, later)]
    assert 2 == promoted
    assert sorted(positions) == positions
    assert ["queued", "queued", "scheduled"] == [
        db.job(job.id).status for job in (soon, later, never)
    ]


def test_a_promotion_starts_with_the_longest_due_and_stops_at_its_limit(db: QueueDatabase) -> None:
    jobs = [db.enqueue(run_after=seconds) for seconds in (30.0, 10.0, 20.0)]
    db.pass_time("run_at", 60)

    assert 2 == run(db.link, promotion.promote(2))
    assert ["scheduled", "queued", "queued"] == [db.job(job.id).status for job in jobs]


def test_an_urgent_job_is_promoted_before_many_that_fell_due_earlier(db: QueueDatabase) -> None:
    others = [db.enqueue(run_after=10.0 + n, priority=n % 3).id for n in range(9)]
    urgent = db.enqueue(run_after=50.0, priority=3).id
    idle = db.enqueue(run_after=5.0, priority=-100).id
    future = db.enqueue(run_after=500.0, priority=100).id
    db.pass_time("run_at", 60)

    promoted = []
    while run(db.link, promotion.promote(4)):
        rows = db.rows("select id from pgqueue.jobs where status = 'queued' order by id")
        promoted.append({job_id for (job_id,) in rows}.difference(*promoted))

    by_priority = [others[2::3], others[1::3], others[0::3]]
    assert {urgent, *by_priority[0]} == promoted[0]
    assert {*by_priority[1], others[0]} == promoted[1]
    assert {others[3], others[6], idle} == promoted[2]
    assert 3 == len(promoted)
    assert "scheduled" == db.job(future).status


def test_the_first_scheduled_job_is_the_one_that_a_promotion_takes_first(
    db: QueueDatabase,
) -> None:
    first = db.enqueue(run_after=10.0).id
    urgent = db.enqueue(run_after=20.0, priority=1).id
    db.enqueue(run_after=500.0, priority=2)
    db.pass_time("run_at", 60)

    _, after = first_row = run(db.link, promotion.first_scheduled([])) or ()
    assert urgent == first_row[0]
    assert urgent == (run(db.link, promotion.first_scheduled([], after)) or ())[0]
    assert first == (run(db.link, promotion.first_scheduled([urgent], after)) or ())[0]
    assert run(db.link, promotion.first_scheduled([first, urgent])) is None
