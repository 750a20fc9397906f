"""What one turn of the watch does."""

from collections.abc import Sequence

import pytest
from room import Room

from pgqueue.process import watch
from pgqueue.process.watch import Watch
from pgqueue.store.connect import Database, Link
from pgqueue.store.processes import Cancelling


def test_many_jobs_that_fall_due_at_once_hold_up_no_cancellation(
    database_url: str, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Room(link)
    held = room.hold()
    room.change(held.id, cancel_requested_at="2020-01-01")
    due = [room.enqueue().id for _ in range(5)]
    room.rows(
        "update pgqueue.jobs set status = 'scheduled' where id = any(%(due)s) returning id", due=due
    )
    monkeypatch.setattr(watch, "_PROMOTED_MAX", 2)
    queued: list[int] = []

    def on_cancelling(asked: Sequence[Cancelling]) -> None:
        assert [held.id] == [each.id for each in asked]
        queued.append(room.row("select count(*) from pgqueue.jobs where status = 'queued'")[0])

    looks = Watch(
        Database(database_url),
        supervisor_id=room.row("select supervisor_id from pgqueue.workers")[0],
        queues=["default"],
        poll_seconds=60.0,
        on_ready=lambda ready: None,
        on_cancelling=on_cancelling,
    )
    for _ in range(3):
        looks.run_once()
    looks.close()

    assert [0, 2, 4] == queued
