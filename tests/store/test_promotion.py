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
