"""Workers with an expired lease are ended, but not soon after an outage."""

import pytest
from queue_database import QueueDatabase

from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.maintenance import lease_expiry
from pgqueue.maintenance.lease_expiry import end_expired
from pgqueue.store import supervisors
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.store.statement import run

LEASE = 30.0


class Leases:
    """A worker with a job and a lease of 30 s, on a database that was reached just now.

    No supervisor is older than one call: what it does is decided by rows alone.
    """

    def __init__(self, db: QueueDatabase) -> None:
        self.db = db
        end_expired(db.link, LEASE)
        self.claimed: ClaimedAttempt = db.claim_new()
        self.renew()

    def renew(self) -> None:
        """Renew the worker's lease."""
        run(self.db.link, supervisors.renew(1, [self.claimed.worker_id], LEASE))

    def pass_time(self, seconds: float) -> None:
        """Let time pass, without any contact with the database."""
        for column in (
            "workers set lease_until = lease_until",
            "contact set contact_at = contact_at",
        ):
            self.db.rows(
                f"update pgqueue.{column} - make_interval(secs => %(seconds)s::float8)",
                seconds=seconds,
            )

    def ends_after(self, *pauses: float) -> list[bool]:
        """Whether the job is rescued by a visit of a new supervisor after each of these pauses."""
        answers = []
        for seconds in pauses:
            self.pass_time(seconds)
            end_expired(self.db.link, LEASE)
            answers.append(self.db.job(self.claimed.id).status is JobStatus.QUEUED)
        return answers

    @property
    def seconds_left(self) -> float:
        """Until the end of the worker's lease."""
        return self.db.row(
            "select extract(epoch from lease_until - clock_timestamp())::float8"
            " from pgqueue.workers"
        )[0]


@pytest.fixture
def leases(db: QueueDatabase) -> Leases:
    return Leases(db)


def test_a_worker_whose_lease_expired_is_ended_and_its_zombie_writes_nothing(
    leases: Leases, caplog: pytest.LogCaptureFixture
) -> None:
    expired, db = leases.claimed, leases.db
    assert [False, False, True] == leases.ends_after(13.0, 13.0, 5.0)

    assert [[expired.worker_id]] == [
        vars(record)["worker_ids"] for record in caplog.records if record.message == "lease expired"
    ]
    assert {} == db.settle(expired, Outcome.SUCCEEDED)
    assert [] == db.claim(expired.worker_id)


def test_a_dead_host_is_rescued_by_supervisors_that_never_grow_old(leases: Leases) -> None:
    # Each visit is made by a supervisor that knows nothing but the rows.
    assert [False] * 6 + [True] == leases.ends_after(*[4.0] * 6, 7.0)


def test_renewals_alone_show_that_the_database_was_reached(leases: Leases) -> None:
    for _ in range(3):
        leases.pass_time(10.1)
        run(leases.db.link, supervisors.renew(2, [], LEASE))

    assert [True] == leases.ends_after(0.0)


def test_no_worker_is_ended_after_an_outage_and_each_has_time_to_renew(leases: Leases) -> None:
    leases.pass_time(5.0)
    end_expired(leases.db.link, LEASE)

    assert [False] == leases.ends_after(600.0)
    assert 12.0 < leases.seconds_left <= 17.5
    assert [False, True] == leases.ends_after(10.0, 9.0)


def test_a_renewal_after_an_outage_hides_no_outage(leases: Leases) -> None:
    leases.pass_time(600.0)
    run(leases.db.link, supervisors.renew(2, [], LEASE))

    assert [False] == leases.ends_after(0.0)


def test_a_lease_that_was_renewed_after_an_outage_becomes_no_longer_than_a_new_one(
    leases: Leases,
) -> None:
    leases.pass_time(600.0)
    leases.renew()

    assert [False] == leases.ends_after(0.0)
    assert LEASE - 5.0 < leases.seconds_left <= LEASE


def test_supervisors_that_come_once_a_minute_rescue_a_dead_host_too(leases: Leases) -> None:
    assert [False, False, False, False, True] == leases.ends_after(60.0, 60.0, 60.0, 60.0, 1.0)


def test_connections_that_break_often_and_briefly_keep_no_worker_from_being_ended(
    leases: Leases,
) -> None:
    assert [False, False, True] == leases.ends_after(14.0, 14.0, 14.0)


def test_a_truncated_table_of_contacts_keeps_no_worker_from_being_ended(leases: Leases) -> None:
    leases.pass_time(31.0)
    leases.db.rows("truncate pgqueue.contact")

    assert [True] == leases.ends_after(0.0)


@pytest.mark.parametrize("lease_seconds", [1.0, 4.0, 30.0, 600.0])
def test_its_runs_are_never_as_far_apart_as_an_outage(lease_seconds: float) -> None:
    [service] = lease_expiry.services(lease_seconds)

    assert service.every_seconds <= lease_seconds / 4
