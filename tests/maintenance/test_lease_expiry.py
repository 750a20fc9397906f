"""Workers with an expired lease are ended, but not soon after an outage."""

import pytest
from manual_clock import ManualClock
from queue_database import QueueDatabase

from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.maintenance.lease_expiry import LeaseExpiry, end_expired
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.store.connection.link import Link

LEASE = 30.0


@pytest.fixture
def expired(db: QueueDatabase) -> ClaimedAttempt:
    """An attempt of a worker whose lease has expired."""
    attempt = db.claim_new()
    db.rows("update pgqueue.workers set lease_until = clock_timestamp() - interval '1 s'")
    return attempt


def _run_after(expiry: LeaseExpiry, link: Link, clock: ManualClock, *pauses: float) -> None:
    """Run the service after each of these pauses, in seconds."""
    for seconds in pauses:
        clock.advance(seconds)
        expiry.run(link)


def test_a_worker_whose_lease_expired_is_ended_and_its_zombie_writes_nothing(
    db: QueueDatabase, expired: ClaimedAttempt, caplog: pytest.LogCaptureFixture
) -> None:
    end_expired(db.link)

    assert [[expired.worker_id]] == [
        vars(record)["worker_ids"] for record in caplog.records if record.message == "lease expired"
    ]
    assert {} == db.settle(expired, Outcome.SUCCEEDED)
    assert JobStatus.QUEUED is db.job(expired.id).status
    assert [] == db.claim(expired.worker_id)


def test_a_supervisor_that_just_started_ends_no_worker_for_a_lease(
    db: QueueDatabase, expired: ClaimedAttempt
) -> None:
    clock = ManualClock()
    expiry = LeaseExpiry(LEASE, clock=clock)

    _run_after(expiry, db.link, clock, *[5.0] * 5, 4.9)
    before = db.job(expired.id).status
    _run_after(expiry, db.link, clock, 0.1)

    assert (JobStatus.RUNNING, JobStatus.QUEUED) == (before, db.job(expired.id).status)


def test_after_an_outage_no_worker_is_ended_for_a_lease(
    db: QueueDatabase, expired: ClaimedAttempt
) -> None:
    clock = ManualClock()
    expiry = LeaseExpiry(LEASE, clock=clock)
    clock.advance(LEASE * 10)

    _run_after(expiry, db.link, clock, 0.0, *[5.0] * 5, 4.9)
    before = db.job(expired.id).status
    _run_after(expiry, db.link, clock, 0.1)

    assert (JobStatus.RUNNING, JobStatus.QUEUED) == (before, db.job(expired.id).status)


def test_connections_that_break_often_and_briefly_keep_no_worker_from_being_ended(
    db: QueueDatabase, expired: ClaimedAttempt
) -> None:
    clock = ManualClock()

    _run_after(LeaseExpiry(LEASE, clock=clock), db.link, clock, 14.0, 14.0, 14.0)

    assert JobStatus.QUEUED is db.job(expired.id).status


def test_a_service_that_takes_long_is_no_outage_while_leases_are_renewed(
    db: QueueDatabase, expired: ClaimedAttempt
) -> None:
    clock = ManualClock()
    expiry = LeaseExpiry(LEASE, clock=clock)

    for _ in range(6):
        clock.advance(5.0)
        expiry.record_contact()
    _run_after(expiry, db.link, clock, 1.0)

    assert JobStatus.QUEUED is db.job(expired.id).status


@pytest.mark.parametrize("lease_seconds", [1.0, 4.0, 30.0, 600.0])
def test_its_runs_are_never_as_far_apart_as_an_outage(lease_seconds: float) -> None:
    assert LeaseExpiry(lease_seconds).service().every_seconds <= lease_seconds / 4
