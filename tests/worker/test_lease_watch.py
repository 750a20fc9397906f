"""A worker whose lease nobody renews interrupts its jobs, and ends itself if one goes on."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from manual_clock import ManualClock

from pgqueue.core.lease_limits import lease_limits
from pgqueue.process.scoreboard import Scoreboard
from pgqueue.worker.lease_watch import LeaseWatch


class LeaseWatchHarness:
    """A watch over a lease of 30 s, renewed at 1,000 s, and what it does."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.scoreboard = Scoreboard(2, clock=self.clock)
        self.actions: list[str] = []
        self.watch = LeaseWatch(
            self.scoreboard,
            lease_seconds=30.0,
            raise_alarm=lambda: self.actions.append("alarm"),
            end=lambda: self.actions.append("end"),
            clock=self.clock,
        )
        self.renew()

    def renew(self) -> None:
        """Renew the lease now."""
        limits = lease_limits(30.0)
        self.scoreboard.extend_lease(self.clock.monotonic() + limits.interrupt_seconds)

    def actions_after(self, seconds: float) -> list[str]:
        """What a check does so many seconds later."""
        self.clock.advance(seconds)
        self.actions.clear()
        self.watch.check()
        return list(self.actions)


@pytest.fixture
def harness() -> LeaseWatchHarness:
    return LeaseWatchHarness()


def test_what_runs_is_interrupted_five_seconds_before_the_lease_ends(
    harness: LeaseWatchHarness,
) -> None:
    harness.scoreboard.add(7, None)

    assert [[], ["alarm"], ["alarm"], ["end", "alarm"]] == [
        harness.actions_after(seconds) for seconds in (24.9, 0.1, 3.7, 0.1)
    ]


def test_a_worker_whose_tasks_have_ended_goes_on_without_a_lease(
    harness: LeaseWatchHarness,
) -> None:
    # Its results wait for the database.
    harness.scoreboard.finish(harness.scoreboard.add(7, None))

    assert [[], []] == [harness.actions_after(seconds) for seconds in (25.0, 60.0)]


def test_a_renewal_extends_the_time_and_a_late_one_shortens_nothing(
    harness: LeaseWatchHarness,
) -> None:
    harness.scoreboard.add(7, None)
    harness.clock.advance(20.0)
    harness.renew()
    harness.scoreboard.extend_lease(1.0)

    assert [[], ["alarm"]] == [harness.actions_after(seconds) for seconds in (24.9, 0.1)]


def test_without_a_supervisor_nothing_is_interrupted() -> None:
    scoreboard = Scoreboard(1)
    scoreboard.add(7, None)
    actions: list[str] = []

    watch = LeaseWatch(scoreboard, lease_seconds=30.0, raise_alarm=lambda: actions.append("alarm"))

    assert (1.0, []) == (watch.check(), actions)


@pytest.mark.parametrize("lease_seconds", [1.0, 6.0, 30.0, 600.0])
def test_every_limit_lies_between_a_missed_renewal_and_the_end(lease_seconds: float) -> None:
    limits = lease_limits(lease_seconds)

    assert lease_seconds / 2 < limits.interrupt_seconds
    assert 0 < limits.kill_seconds < limits.exit_seconds
    assert limits.interrupt_seconds + limits.exit_seconds < lease_seconds


_WORKER = """
import subprocess
from pgqueue.worker.lease_watch import _end
program = subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(program.pid, flush=True)
_end()
"""


def test_a_worker_that_ends_itself_leaves_no_program_of_its_tasks() -> None:
    worker = subprocess.Popen(
        [sys.executable, "-c", _WORKER], stdout=subprocess.PIPE, start_new_session=True
    )
    output, _ = worker.communicate(timeout=60)
    program = Path("/proc", output.decode().strip(), "stat")

    with suppress(FileNotFoundError):
        assert b"Z" == program.read_bytes().rpartition(b")")[2].split()[0]
    assert 1 == worker.returncode
