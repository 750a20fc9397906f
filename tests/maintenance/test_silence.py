"""Who is given up when a lease has ended, and when nobody is."""

import pytest
from queue_database import QueueDatabase

from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.maintenance.lease_expiry import LeaseExpiry, end_expired
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.store.connection.link import Link

LEASE = 30.0


class Clock:
    """Monotonic seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def lapsed(db: QueueDatabase) -> ClaimedAttempt:
    """An attempt of a worker whose lease has ended."""
    held = db.claim_new()
    db.rows("update pgqueue.workers set lease_until = clock_timestamp() - interval '1 s'")
    return held


def _steps(silence: LeaseExpiry, link: Link, clock: Clock, *seconds: float) -> None:
    for each in seconds:
        clock.now += each
        silence.look(link)


def test_a_worker_whose_lease_ended_is_given_up_and_its_zombie_writes_nothing(
    db: QueueDatabase, lapsed: ClaimedAttempt
) -> None:
    end_expired(db.link)

    assert {} == db.settle(lapsed, Outcome.SUCCEEDED)
    assert JobStatus.QUEUED is db.job(lapsed.id).status
    assert [] == db.claim(lapsed.worker_id)


def test_whoever_just_started_gives_nobody_up_for_a_lease(
    db: QueueDatabase, lapsed: ClaimedAttempt
) -> None:
    clock = Clock()
    silence = LeaseExpiry(LEASE, clock)

    _steps(silence, db.link, clock, *[5.0] * 5, 4.9)
    before = db.job(lapsed.id).status
    _steps(silence, db.link, clock, 0.1)

    assert (JobStatus.RUNNING, JobStatus.QUEUED) == (before, db.job(lapsed.id).status)


def test_whoever_came_back_from_an_outage_gives_nobody_up_for_a_lease(
    db: QueueDatabase, lapsed: ClaimedAttempt
) -> None:
    clock = Clock()
    silence = LeaseExpiry(LEASE, clock)
    clock.now += LEASE * 10

    _steps(silence, db.link, clock, 0.0, *[5.0] * 5, 4.9)
    before = db.job(lapsed.id).status
    _steps(silence, db.link, clock, 0.1)

    assert (JobStatus.RUNNING, JobStatus.QUEUED) == (before, db.job(lapsed.id).status)


def test_connections_that_break_often_and_briefly_keep_nobody_from_being_given_up(
    db: QueueDatabase, lapsed: ClaimedAttempt
) -> None:
    clock = Clock()

    _steps(LeaseExpiry(LEASE, clock), db.link, clock, 14.0, 14.0, 14.0)

    assert JobStatus.QUEUED is db.job(lapsed.id).status


def test_a_service_that_takes_long_is_no_outage_while_leases_are_renewed(
    db: QueueDatabase, lapsed: ClaimedAttempt
) -> None:
    clock = Clock()
    silence = LeaseExpiry(LEASE, clock)

    for _ in range(6):
        clock.now += 5.0
        silence.reached()
    _steps(silence, db.link, clock, 1.0)

    assert JobStatus.QUEUED is db.job(lapsed.id).status


@pytest.mark.parametrize("lease_seconds", [1.0, 4.0, 30.0, 600.0])
def test_its_rounds_are_never_as_far_apart_as_an_outage(lease_seconds: float) -> None:
    assert LeaseExpiry(lease_seconds).service().every_seconds <= lease_seconds / 4
