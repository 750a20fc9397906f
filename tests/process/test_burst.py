"""When a burst is over."""

from collections.abc import Iterator

import pytest
from stub_children import StubChild, pool_of

from pgqueue.core.lifecycle import JobStatus
from pgqueue.process.burst import Burst
from pgqueue.store.queues import UnfinishedJobs


class StubFleet:
    """Children, and whether another one is being registered."""

    def __init__(self) -> None:
        self.children: dict[int, StubChild] = {}
        self.is_starting = False


class StubShutdown:
    """Whether it has begun, and the exit code."""

    def __init__(self) -> None:
        self.has_begun = False
        self.exit_code = 0

    def begin(self, grace_seconds: float | None = None) -> None:
        """Note it."""
        self.has_begun = True


class BurstHarness:
    """A burst with one child that is ready and knows every task but `unknown`."""

    def __init__(self) -> None:
        self.fleet, self.shutdown = StubFleet(), StubShutdown()
        self.child = StubChild(1, pool_of("greenlet"))
        self.child.report.is_ready = True
        self.child.report.unknown_tasks.add("unknown")
        self.fleet.children[1] = self.child
        self.burst = Burst(self.fleet, self.shutdown)

    def check(self, *jobs: UnfinishedJobs) -> tuple[bool, int]:
        """Whether the supervisor stops after a check, and its exit code."""
        self.burst.check(jobs)
        return self.shutdown.has_begun, self.shutdown.exit_code


@pytest.fixture
def harness() -> Iterator[BurstHarness]:
    """A burst that goes on."""
    opened = BurstHarness()
    yield opened
    opened.child.close()


def test_a_burst_is_over_when_no_job_is_left(harness: BurstHarness) -> None:
    assert (True, 0) == harness.check()


@pytest.mark.parametrize(
    ("task", "status"),
    [
        ("known", JobStatus.QUEUED),
        ("known", JobStatus.RUNNING),
        ("unknown", JobStatus.RUNNING),
    ],
)
def test_a_burst_goes_on_while_a_job_can_run(
    harness: BurstHarness, task: str, status: JobStatus
) -> None:
    assert (False, 0) == harness.check(
        UnfinishedJobs(status, task, 1), UnfinishedJobs(JobStatus.QUEUED, "unknown", 1)
    )


def test_jobs_that_no_worker_knows_end_a_burst_with_a_failure(
    harness: BurstHarness, caplog: pytest.LogCaptureFixture
) -> None:
    assert (True, 1) == harness.check(UnfinishedJobs(JobStatus.QUEUED, "unknown", 3))

    [record] = [record for record in caplog.records if record.message == "jobs unknown"]
    assert ("unknown", 3) == (record.__dict__["task"], record.__dict__["job_count"])


def test_a_burst_is_not_over_while_a_worker_starts(harness: BurstHarness) -> None:
    harness.fleet.is_starting = True
    while_registering = harness.check()
    harness.fleet.is_starting = False
    harness.child.report.is_ready = False

    assert (False, 0) == while_registering == harness.check()


def test_a_burst_without_a_live_worker_waits_for_the_next_one(harness: BurstHarness) -> None:
    harness.fleet.children.clear()

    assert (False, 0) == harness.check()


def test_workers_that_die_before_one_is_ready_end_a_burst_with_a_failure(
    harness: BurstHarness, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        harness.burst.add_early_death("exited with code 3")
    has_begun = harness.shutdown.has_begun
    harness.burst.add_early_death("exited with code 3")

    assert not has_begun
    assert (True, 1) == (harness.shutdown.has_begun, harness.shutdown.exit_code)
    [record] = [record for record in caplog.records if record.message == "worker refused"]
    assert "exited with code 3" in record.__dict__["reason"]
