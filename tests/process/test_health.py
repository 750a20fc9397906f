"""Children that no longer work as they should are stopped or killed."""

from collections.abc import Iterator

import pytest
from manual_clock import ManualClock
from stub_children import StubChild, StubLauncher, pool_of

from pgqueue.core.settings import load_settings
from pgqueue.process.blocked_thread import Reclaim
from pgqueue.process.child import Child
from pgqueue.process.health import Health
from pgqueue.process.reactor import Reactor
from pgqueue.store.workers import OverdueJob


class StubProcess:
    """A process that is frozen or not."""

    def __init__(self) -> None:
        self.frozen = False

    def is_frozen(self, seconds: float) -> bool:
        """As the test said."""
        return self.frozen


class SickChild(StubChild):
    """A child whose ailments a test sets.

    Attributes:
        ailments: Names of methods that return true.
    """

    def __init__(self, worker_id: int, executor: str = "greenlet") -> None:
        super().__init__(worker_id, pool_of(executor))
        self.process = StubProcess()
        self.ailments: set[str] = set()
        self.blocked_thread = StubThread()

    def is_stalled(self, seconds: float) -> bool:
        """As the test said."""
        return "is_stalled" in self.ailments

    def is_late(self, seconds: float) -> bool:
        """As the test said."""
        return "is_late" in self.ailments

    def resists_timeout(self, job_id: int, grace_seconds: float) -> bool:
        """As the test said."""
        return "resists_timeout" in self.ailments


class StubThread:
    """A main thread that is blocked or not."""

    def __init__(self) -> None:
        self.is_reclaiming = False
        self.reclaim: Reclaim | None = None
        self.job_id: int | None = None

    def check(self) -> Reclaim | None:
        """As the test said."""
        return self.reclaim

    def new_blocking_job_id(self) -> int | None:
        """As the test said."""
        return self.job_id


class StubFleet:
    """Children by worker id, and the reasons of those that were stopped."""

    def __init__(self) -> None:
        self.children: dict[int, SickChild] = {}
        self.stops: list[tuple[int, float, str]] = []

    def stop(self, child: Child, grace_seconds: float, detail: str) -> None:
        """Note the stop."""
        self.stops.append((child.worker_id, grace_seconds, detail))


class HealthHarness:
    """The health of two children, 1 and 2."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.reactor = Reactor(self.clock)
        self.fleet, self.launcher = StubFleet(), StubLauncher()
        self.sick, self.well = SickChild(1), SickChild(2)
        self.fleet.children = {1: self.sick, 2: self.well}
        self.reclaims: list[Reclaim] = []
        self.health = Health(
            self.fleet,
            self.launcher,
            self.reactor,
            load_settings({"grace_seconds": 30.0}),
            on_reclaim=self.reclaims.append,
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
    harness.health.check_leases({1, 2})

    assert [] == harness.sick.kills == harness.well.kills == harness.fleet.stops
    assert [] == harness.launcher.writes


def test_a_child_whose_lease_has_expired_is_killed(harness: HealthHarness) -> None:
    harness.health.check_leases({2})

    assert (["its lease had expired"], []) == (harness.sick.kills, harness.well.kills)


def test_a_frozen_child_is_killed(harness: HealthHarness) -> None:
    harness.sick.process.frozen = True

    harness.health.check_leases({1, 2})

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

    harness.health.check_leases({1, 2})

    assert [(1, 30.0, detail)] == harness.fleet.stops


def test_a_registered_worker_without_a_process_is_ended(harness: HealthHarness) -> None:
    harness.health.check_leases({1, 2, 3, 4})

    assert [("unstarted", [3, 4])] == harness.launcher.writes


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
    process_child = SickChild(3, "process")
    harness.fleet.children[3] = process_child
    process_child.blocked_thread.job_id = 8
    harness.sick.blocked_thread.job_id = 7

    harness.health.check_blocked_threads()
    process_child.close()

    [record] = [record for record in caplog.records if record.message == "worker blocked"]
    assert (1, 7) == (record.__dict__["worker_id"], record.__dict__["job_id"])
