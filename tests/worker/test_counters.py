"""What a worker counts reaches its supervisor, seldom and only when it changes."""

from collections.abc import Iterator

import pytest
from manual_clock import ManualClock
from queue_database import QueueDatabase

from pgqueue.core.lifecycle import JobStatus
from pgqueue.process.channel import Channel
from pgqueue.process.scoreboard import Scoreboard
from pgqueue.worker.active_attempt import ActiveAttempt, Receipt
from pgqueue.worker.counters import Counters
from pgqueue.worker.in_flight import InFlight
from pgqueue.worker.supervisor_link import Reports


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def in_flight(clock: ManualClock) -> InFlight:
    return InFlight(
        slots=5, prefetch_max=0, settling_max=100, scoreboard=Scoreboard(10), clock=clock
    )


@pytest.fixture
def supervisor() -> Iterator[tuple[Channel, Channel]]:
    """The supervisor's end of a channel, and the worker's."""
    ours, other = Channel.pair()
    theirs = Channel(other)
    yield ours, theirs
    ours.close()
    theirs.close()


def test_counts_are_sent_once_a_second_and_when_they_changed(
    supervisor: tuple[Channel, Channel], in_flight: InFlight, clock: ManualClock
) -> None:
    ours, theirs = supervisor
    counters = Counters(in_flight, Reports(theirs), clock=clock)
    received = []
    for seconds, claimed in ((0, 3), (0.5, 1), (0.5, 0), (1, 0), (1, 0), (1, 5)):
        clock.advance(seconds)
        counters.claimed += claimed
        counters.send_changes()
        received += [(clock.monotonic() - 1000.0, m) for m in ours.receive(wait=False) or []]

    assert [(0.0, 3), (1.0, 4), (4.0, 9)] == [(at, fields["claimed"]) for at, fields in received]
    assert {
        "verb": "counters", "busy_slots": 0, "run_seconds": None, "claimed": 3, "succeeded": 0,
        "failed": 0,
    } == received[0][1]  # fmt: skip


def test_busy_slots_and_recent_run_seconds_are_counted(
    db: QueueDatabase, in_flight: InFlight, clock: ManualClock
) -> None:
    counters = Counters(in_flight, None, clock=clock)
    for _ in range(2):
        db.enqueue()
    attempts = [
        ActiveAttempt(row, None, Receipt(clock.monotonic())) for row in db.claim(db.worker())
    ]
    in_flight.add(attempts)
    for _ in attempts:
        run = in_flight.take_next()
        assert run
        in_flight.start(run[0])
    clock.advance(2.0)
    in_flight.end(attempts[0])

    assert (1, 2.0) == (counters.values()["busy_slots"], counters.values()["run_seconds"])


def test_jobs_that_ended_are_counted_by_their_status(in_flight: InFlight) -> None:
    counters = Counters(in_flight, None)

    counters.add_settled([JobStatus.SUCCEEDED, JobStatus.FAILED, None, JobStatus.QUEUED])
    counters.add_settled([JobStatus.SUCCEEDED])

    assert (2, 1) == (counters.succeeded, counters.failed)
