"""Jobs that wait in a worker which cannot start them return to the queue, and no others."""

from typing import Any

import pytest
from queue_database import QueueDatabase

from pgqueue.maintenance import reclaim as reclaim_module
from pgqueue.maintenance.reclaim import Reclaims
from pgqueue.process.blocked_thread import Reclaim
from pgqueue.store.connection.link import Link


def _claimed(db: QueueDatabase) -> tuple[int, list[int]]:
    """A worker that has claimed three jobs."""
    worker_id = db.worker()
    jobs = [db.enqueue().id for _ in range(3)]
    assert jobs == [attempt.id for attempt in db.claim(worker_id)]
    return worker_id, jobs


def _statuses(db: QueueDatabase, jobs: list[int]) -> list[str]:
    return [
        db.row("select status from pgqueue.jobs where id = %(id)s", id=job_id)[0] for job_id in jobs
    ]


def test_all_jobs_but_the_started_ones_return_to_the_queue_and_the_attempts_do_not_count(
    db: QueueDatabase,
) -> None:
    worker_id, jobs = _claimed(db)
    reclaims = Reclaims()
    reclaims.add(Reclaim(worker_id, frozenset(jobs[:1]), jobs[0]))

    reclaims.run(db.link)

    assert ["running", "queued", "queued"] == _statuses(db, jobs)
    assert (0, 0) == db.row(
        "select max(failure_count), max(lost_count) from pgqueue.jobs where id = any(%(jobs)s)",
        jobs=jobs,
    )


def test_jobs_that_are_read_after_a_request_was_closed_are_left_alone(
    db: QueueDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker_id, jobs = _claimed(db)
    reclaim = Reclaim(worker_id, frozenset(), 7)
    reclaims = Reclaims()
    reclaims.add(reclaim)
    run = reclaim_module.run

    def run_and_close(link: Link, statement: Any) -> Any:
        attempts = run(link, statement)
        reclaim.is_open = False
        return attempts

    monkeypatch.setattr(reclaim_module, "run", run_and_close)
    reclaims.run(db.link)
    reclaims.run(db.link)

    assert ["running"] * 3 == _statuses(db, jobs)


def test_a_job_that_is_locked_returns_to_the_queue_at_a_later_run(
    db: QueueDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    worker_id, jobs = _claimed(db)
    reclaims = Reclaims()
    reclaims.add(Reclaim(worker_id, frozenset(jobs[:1]), jobs[0]))

    with db.locked(jobs[1]):
        reclaims.run(db.link)
        during_the_lock = _statuses(db, jobs)
    reclaims.run(db.link)

    assert ["running", "running", "queued"] == during_the_lock
    assert ["running", "queued", "queued"] == _statuses(db, jobs)
    assert [1, 1] == [
        vars(record)["job_count"] for record in caplog.records if record.message == "jobs reclaimed"
    ]


def test_a_request_that_fails_keeps_no_other_waiting(
    db: QueueDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker_id, jobs = _claimed(db)
    reclaims = Reclaims()
    reclaims.add(Reclaim(worker_id + 1, frozenset(), 7))
    reclaims.add(Reclaim(worker_id, frozenset(), 7))
    run = reclaim_module.run

    def fails(link: Link, statement: Any) -> Any:
        if statement.params["worker_id"] != worker_id:
            raise ValueError
        return run(link, statement)

    monkeypatch.setattr(reclaim_module, "run", fails)
    for _ in range(2):
        with pytest.raises(ValueError):
            reclaims.run(db.link)

    assert ["queued"] * 3 == _statuses(db, jobs)
