"""Children that no longer work as they should are stopped or killed."""

from collections.abc import Iterator

import pytest
from manual_clock import ManualClock
from stub_children import StubChild, pool_of

from pgqueue.core.settings import load_settings
from pgqueue.process.blocked_thread import Reclaim
from pgqueue.process.health import Health
from pgqueue.process.reactor import Reactor
from pgqueue.store.workers import OverdueJob


class StubFleet:
    """Children by worker id, and the reasons of those that were stopped."""

    def __init__(self) -> None:
        self.children: dict[int, StubChild] = {}
        self.stops: list[tuple[int, float, str]] = []

    def stop(self, child: StubChild, grace_seconds: float, detail: str) -> None:
        """Note the stop."""
        self.stops.append((child.worker_id, grace_seconds, detail))


class HealthHarness:
    """The health of two children, 1 and 2."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.reactor = Reactor(self.clock)
        self.fleet = StubFleet()
        self.sick, self.well = StubChild(1, pool_of("greenlet")), StubChild(2, pool_of("greenlet"))
        self.fleet.children = {1: self.sick, 2: self.well}
        self.reclaims: list[Reclaim] = []
        self.health = Health(
            self.fleet,
            self.reactor,
            load_settings({"grace_seconds": 30.0}),
            on_reclaim=self.reclaims.append,
            clock=self.clock,
        )

    def pass_time(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.clock.advance(seconds)
        self.reactor.call_soon_threadsafe(lambda: None)
        self.reactor.run_once()


@pytest.fixture
def harness() -> Iterator[HealthHarness]:
    """Two children that are well."""
    opened = HealthHarness()
    yield opened
    opened.reactor.close()
    opened.sick.close()
    opened.well.close()


def test_children_whose_leases_were_renewed_go_on(harness: HealthHarness) -> None:
    harness.health.check_leases(set(), 1_000.0)

    assert [] == harness.sick.kills == harness.well.kills == harness.fleet.stops


def test_a_child_whose_lease_has_expired_is_killed(harness: HealthHarness) -> None:
    harness.health.check_leases({1, 3}, 1_000.0)

    assert (["its lease had expired"], []) == (harness.sick.kills, harness.well.kills)
    assert ([], [1_000.0]) == (harness.sick.renewals, harness.well.renewals)


def test_a_child_whose_job_goes_on_is_killed_before_its_lease_ends(harness: HealthHarness) -> None:
    harness.health.check_leases(set(), 1_000.0)
    harness.sick.ailments = {"outlives_lease"}

    harness.pass_time(27.4)
    before = list(harness.sick.kills)
    harness.pass_time(0.1)

    assert [] == before == harness.well.kills
    assert ["its lease could not be renewed, and a job went on"] == harness.sick.kills


def test_a_frozen_child_is_killed(harness: HealthHarness) -> None:
    harness.sick.process.frozen = True

    harness.health.check_leases(set(), 1_000.0)

    assert ["was frozen for as long as a lease"] == harness.sick.kills
    assert [] == harness.well.kills


@pytest.mark.parametrize(
    ("ailment", "detail"),
    [
        ("is_stalled", "its claim loop stood still"),
        ("is_late", "its tasks were not loaded in time"),
    ],
)
def test_a_child_that_works_no_more_is_stopped_within_the_grace(
    harness: HealthHarness, ailment: str, detail: str
) -> None:
    harness.sick.ailments = {ailment}

    harness.health.check_leases(set(), 1_000.0)

    assert [(1, 30.0, detail)] == harness.fleet.stops


def test_only_the_worker_of_a_job_that_resists_its_timeout_is_killed(
    harness: HealthHarness,
) -> None:
    harness.sick.ailments = {"resists_timeout"}

    for worker_id in (1, 2, 3):
        harness.health.end_overdue(OverdueJob(worker_id, 7, 9.04))

    assert ["job 7 was 9.0 s past its deadline"] == harness.sick.kills
    assert [] == harness.well.kills


def test_blocked_threads_are_checked_more_often_during_a_reclaim(harness: HealthHarness) -> None:
    thread = harness.sick.blocked_thread
    harness.health.check_blocked_threads()
    thread.reclaim, thread.is_reclaiming = Reclaim(1, frozenset(), 7), True

    counts = []
    for seconds in (0.9, 0.2, 0.1, 0.2):
        harness.pass_time(seconds)
        counts.append(len(harness.reclaims))

    assert [0, 1, 1, 2] == counts


def test_a_job_that_blocks_its_worker_is_logged_unless_it_runs_alone(
    harness: HealthHarness, caplog: pytest.LogCaptureFixture
) -> None:
    process_child = StubChild(3, pool_of("process"))
    harness.fleet.children[3] = process_child
    process_child.blocked_thread.job_id = 8
    harness.sick.blocked_thread.job_id = 7

    harness.health.check_blocked_threads()
    process_child.close()

    [record] = [record for record in caplog.records if record.message == "worker blocked"]
    assert (1, 7) == (record.__dict__["worker_id"], record.__dict__["job_id"])
