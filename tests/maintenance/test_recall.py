"""What waits in the hand of a worker that cannot start it is handed back, and nothing else."""

from typing import Any

import pytest
from queue_database import QueueDatabase

from pgqueue.maintenance import reclaim as recalling
from pgqueue.maintenance.reclaim import Reclaims
from pgqueue.process.blocked_thread import Reclaim
from pgqueue.store.connection.link import Link


def _held(db: QueueDatabase) -> tuple[int, list[int]]:
    """A worker with three jobs in hand."""
    worker_id = db.worker()
    jobs = [db.enqueue().id for _ in range(3)]
    assert jobs == [each.id for each in db.claim(worker_id)]
    return worker_id, jobs


def _statuses(db: QueueDatabase, jobs: list[int]) -> list[str]:
    return [
        db.row("select status from pgqueue.jobs where id = %(id)s", id=each)[0] for each in jobs
    ]


def test_all_but_what_was_started_is_handed_back_uncharged(db: QueueDatabase) -> None:
    worker_id, jobs = _held(db)
    recalls = Reclaims()
    recalls.add(Reclaim(worker_id, frozenset(jobs[:1]), jobs[0]))

    recalls.round(db.link)

    assert ["running", "queued", "queued"] == _statuses(db, jobs)
    assert (0, 0) == db.row(
        "select max(failure_count), max(lost_count) from pgqueue.jobs where id = any(%(jobs)s)",
        jobs=jobs,
    )


def test_what_is_found_after_the_end_of_a_recall_is_left_alone(
    db: QueueDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker_id, jobs = _held(db)
    reclaim = Reclaim(worker_id, frozenset(), 7)
    recalls = Reclaims()
    recalls.add(reclaim)
    ask = recalling.run

    def ends_meanwhile(link: Link, statement: Any) -> Any:
        answer = ask(link, statement)
        reclaim.is_open = False
        return answer

    monkeypatch.setattr(recalling, "run", ends_meanwhile)
    recalls.round(db.link)
    recalls.round(db.link)

    assert ["running"] * 3 == _statuses(db, jobs)


def test_what_somebody_has_locked_is_handed_back_at_a_later_round(
    db: QueueDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    worker_id, jobs = _held(db)
    recalls = Reclaims()
    recalls.add(Reclaim(worker_id, frozenset(jobs[:1]), jobs[0]))

    with db.locked(jobs[1]):
        recalls.round(db.link)
        at_first = _statuses(db, jobs)
    recalls.round(db.link)

    assert ["running", "running", "queued"] == at_first
    assert ["running", "queued", "queued"] == _statuses(db, jobs)
    assert [1, 1] == [each.__dict__["job_count"] for each in caplog.records]


def test_a_recall_that_fails_stands_in_front_of_no_other(
    db: QueueDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker_id, jobs = _held(db)
    recalls = Reclaims()
    recalls.add(Reclaim(worker_id + 1, frozenset(), 7))
    recalls.add(Reclaim(worker_id, frozenset(), 7))
    ask = recalling.run

    def fails(link: Link, statement: Any) -> Any:
        if statement.params["worker_id"] != worker_id:
            raise ValueError
        return ask(link, statement)

    monkeypatch.setattr(recalling, "run", fails)
    for _ in range(2):
        with pytest.raises(ValueError):
            recalls.round(db.link)

    assert ["queued"] * 3 == _statuses(db, jobs)
