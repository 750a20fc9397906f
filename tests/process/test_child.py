"""How a worker process ends, and what its supervisor learns about it."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from manual_clock import ManualClock

from pgqueue.process import child_process
from pgqueue.process.child import Child, ExitReason
from pgqueue.process.oom import oom_kills
from pgqueue.process.spare_process import SpareProcess
from pgqueue.process.worker_pool import WorkerKind, WorkerPool


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def child(clock: ManualClock) -> Child:
    """A worker that waits for the rest of its configuration."""
    return Child(7, WorkerPool(WorkerKind("process"), 1, 1, 0), {}, clock=clock)


def _ended(child: Child) -> ExitReason:
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert child.has_ended
    child.close()
    return child.exit_reason()


def test_a_death_is_recorded_with_its_signal_and_the_largest_memory(child: Child) -> None:
    os.kill(child.pid, signal.SIGSEGV)

    reason, detail, _ = _ended(child)

    assert "died" == reason
    assert f"process {child.pid} was ended by signal 11 (SIGSEGV); its largest memory was" in detail
    assert not detail.endswith(" 0 MB")


def test_a_child_that_ends_between_two_looks_is_reaped_with_its_session(
    child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    waitid = os.waitid

    def end_after_the_first_look(kind: int, pid: int, options: int) -> Any:
        monkeypatch.setattr(os, "waitid", waitid)
        seen = waitid(kind, pid, options)
        os.kill(pid, signal.SIGKILL)
        waitid(kind, pid, os.WEXITED | os.WNOWAIT)
        return seen

    monkeypatch.setattr(os, "waitid", end_after_the_first_look)

    assert child.has_ended
    child.close()
    assert "was ended by signal 9 (SIGKILL)" in child.exit_reason()[1]


def test_a_child_that_the_program_waited_for_has_ended(child: Child) -> None:
    os.kill(child.pid, signal.SIGKILL)
    os.waitpid(child.pid, 0)

    assert child.has_ended
    child.close()
    reason, detail, _ = child.exit_reason()
    assert "died" == reason
    assert "its exit code is unknown" in detail


def test_a_kill_while_the_kernel_ran_out_of_memory_says_so(
    child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_process, "oom_kills", lambda: oom_kills() + 1)
    os.kill(child.pid, signal.SIGKILL)

    assert "as the kernel ran out of memory" in _ended(child).detail


def test_a_kill_by_a_person_is_not_recorded_as_the_kernels(child: Child) -> None:
    os.kill(child.pid, signal.SIGKILL)

    assert "out of memory" not in _ended(child).detail


def test_a_kill_by_the_supervisor_is_recorded_with_its_reason(child: Child) -> None:
    child.kill("overdue", "job 3 was 9 s past its deadline", 3)

    reason, detail, overdue_job_id = _ended(child)

    assert ("overdue", 3) == (reason, overdue_job_id)
    assert detail.endswith("job 3 was 9 s past its deadline")


def test_a_child_is_frozen_until_it_goes_on(child: Child) -> None:
    os.kill(child.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
    was_frozen = child.process.is_frozen(0.0), child.process.is_frozen(60.0), child.has_ended

    os.kill(child.pid, signal.SIGCONT)
    os.waitid(os.P_PID, child.pid, os.WCONTINUED | os.WNOWAIT)
    is_frozen = child.process.is_frozen(0.0)
    os.kill(child.pid, signal.SIGKILL)

    assert (True, False, False) == was_frozen
    assert not is_frozen
    assert "died" == _ended(child).reason


def test_a_kill_ends_a_frozen_child(child: Child) -> None:
    os.kill(child.pid, signal.SIGSTOP)

    child.kill("silent", "was frozen")

    assert "silent" == _ended(child).reason
    assert not child.process.is_frozen(0.0)


def test_oom_kills_are_read_from_the_kernels_count(tmp_path: Path) -> None:
    vmstat = tmp_path / "vmstat"
    vmstat.write_text("pgfault 9\noom_kill 3\noom_kill_disable 1\n")

    assert 3 == oom_kills(vmstat)
    assert 0 == oom_kills(tmp_path / "missing")


def test_a_child_whose_claim_loop_stopped_is_stalled_unless_a_job_keeps_it(
    child: Child, clock: ManualClock
) -> None:
    child.scoreboard.record_turn()
    slot = child.scoreboard.add(7, None)

    clock.advance(60)
    stalled = child.is_stalled(61), child.is_stalled(60)
    child.scoreboard.set_running(slot)
    clock.advance(2)
    while_job_runs = child.is_stalled(60)
    child.scoreboard.set_running(0)
    just_after = child.is_stalled(60)
    clock.advance(60)
    long_after = child.is_stalled(60)
    child.stop(0.0)

    assert (False, True) == stalled
    assert (False, False, True) == (while_job_runs, just_after, long_after)
    assert not child.is_stalled(60)
    os.kill(child.pid, signal.SIGKILL)
    _ended(child)


def test_a_child_that_never_finishes_loading_its_tasks_is_late(
    child: Child, clock: ManualClock
) -> None:
    clock.advance(60.5)

    is_late = child.is_late(61), child.is_late(60)
    child.report.is_ready = True
    is_ready_late = child.is_late(60)
    os.kill(child.pid, signal.SIGKILL)
    _ended(child)

    assert (False, True) == is_late
    assert not is_ready_late


def test_a_job_resists_its_timeout_when_its_true_deadline_and_the_grace_have_passed(
    child: Child, clock: ManualClock
) -> None:
    before_start = child.resists_timeout(7, 5.0)
    slot = child.scoreboard.add(7, clock.monotonic() + 10.0)
    other = child.scoreboard.add(8, None)
    clock.advance(14.9)
    within_grace = child.resists_timeout(7, 5.0)
    clock.advance(0.1)
    past_grace = child.resists_timeout(7, 5.0)
    child.scoreboard.set_running(other)
    clock.advance(1.0)
    while_other_blocks = child.resists_timeout(7, 5.0)
    child.scoreboard.set_running(slot)
    clock.advance(1.0)
    while_it_blocks = child.resists_timeout(7, 5.0)
    os.kill(child.pid, signal.SIGKILL)
    _ended(child)

    assert (False, False, True) == (before_start, within_grace, past_grace)
    assert (False, True) == (while_other_blocks, while_it_blocks)


def test_a_stop_that_found_the_channel_full_is_sent_with_what_is_left_of_the_grace(
    clock: ManualClock,
) -> None:
    spare = SpareProcess("process")
    os.kill(spare.process.pid, signal.SIGSTOP)  # so that nothing reads the channel
    child = Child(7, WorkerPool(WorkerKind("process"), 1, 1, 0), {}, spare, clock)
    while child.channel.try_send("claim", queues=["x" * 5000]):
        pass

    child.stop(30.0)
    clock.advance(10.0)
    is_sent = child.repeat_stop()
    os.kill(child.pid, signal.SIGKILL)
    reason = _ended(child)

    assert not is_sent
    assert "stopped" == reason.reason
