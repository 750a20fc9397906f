"""What waits in the hand of a worker that cannot start it is handed back, and nothing else."""

from typing import Any

import pytest
from room import Room

from pgqueue.maintenance import recall as recalling
from pgqueue.maintenance.recall import Recalls
from pgqueue.process.recall import Recall
from pgqueue.store.connect import Link


@pytest.fixture
def room(link: Link) -> Room:
    """An empty database, at hand."""
    return Room(link)


def _held(room: Room) -> tuple[int, list[int]]:
    """A worker with three jobs in hand."""
    worker_id = room.worker()
    jobs = [room.enqueue().id for _ in range(3)]
    assert jobs == [each.id for each in room.claim(worker_id)]
    return worker_id, jobs


def _statuses(room: Room, jobs: list[int]) -> list[str]:
    return [
        room.row("select status from pgqueue.jobs where id = %(id)s", id=each)[0] for each in jobs
    ]


def test_all_but_what_was_started_is_handed_back_uncharged(room: Room) -> None:
    worker_id, jobs = _held(room)
    recalls = Recalls()
    recalls.add(Recall(worker_id, frozenset(jobs[:1]), jobs[0]))

    recalls.round(room.link)

    assert ["running", "queued", "queued"] == _statuses(room, jobs)
    assert (0, 0) == room.row(
        "select max(failure_count), max(lost_count) from pgqueue.jobs where id = any(%(jobs)s)",
        jobs=jobs,
    )


def test_what_is_found_after_the_end_of_a_recall_is_left_alone(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker_id, jobs = _held(room)
    recall = Recall(worker_id, frozenset(), 7)
    recalls = Recalls()
    recalls.add(recall)
    ask = recalling.run

    def ends_meanwhile(link: Link, statement: Any) -> Any:
        answer = ask(link, statement)
        recall.is_open = False
        return answer

    monkeypatch.setattr(recalling, "run", ends_meanwhile)
    recalls.round(room.link)
    recalls.round(room.link)

    assert ["running"] * 3 == _statuses(room, jobs)


def test_what_somebody_has_locked_is_handed_back_at_a_later_round(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    worker_id, jobs = _held(room)
    recalls = Recalls()
    recalls.add(Recall(worker_id, frozenset(jobs[:1]), jobs[0]))

    with room.locked(jobs[1]):
        recalls.round(room.link)
        at_first = _statuses(room, jobs)
    recalls.round(room.link)

    assert ["running", "running", "queued"] == at_first
    assert ["running", "queued", "queued"] == _statuses(room, jobs)
    assert [1, 1] == [each.__dict__["job_count"] for each in caplog.records]


def test_a_recall_that_fails_stands_in_front_of_no_other(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker_id, jobs = _held(room)
    recalls = Recalls()
    recalls.add(Recall(worker_id + 1, frozenset(), 7))
    recalls.add(Recall(worker_id, frozenset(), 7))
    ask = recalling.run

    def fails(link: Link, statement: Any) -> Any:
        if statement.params["worker_id"] != worker_id:
            raise ValueError
        return ask(link, statement)

    monkeypatch.setattr(recalling, "run", fails)
    for _ in range(2):
        with pytest.raises(ValueError):
            recalls.round(room.link)

    assert ["queued"] * 3 == _statuses(room, jobs)
