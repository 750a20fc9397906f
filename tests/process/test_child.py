"""How the end of a worker process is told."""

import os
import signal
import time
from pathlib import Path

import pytest

from pgqueue.process import child as child_module
from pgqueue.process.child import Child
from pgqueue.process.oom import oom_kills
from pgqueue.process.worker_pool import WorkerKind, WorkerPool


@pytest.fixture
def child() -> Child:
    """A worker that waits for the rest of its configuration."""
    return Child(7, WorkerPool(WorkerKind("process"), 1, 1, 0), {})


def _ended(child: Child) -> tuple[str, str]:
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert child.has_ended
    child.channel.close()
    return child.end()


def test_a_death_is_told_with_its_signal_and_the_largest_memory(child: Child) -> None:
    os.kill(child.pid, signal.SIGSEGV)

    reason, detail = _ended(child)

    assert "died" == reason
    assert f"process {child.pid} was ended by signal 11 (SIGSEGV); its largest memory was" in detail
    assert not detail.endswith(" 0 MB")


def test_a_kill_while_the_kernel_ran_out_of_memory_says_so(
    child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_module, "oom_kills", lambda: oom_kills() + 1)
    os.kill(child.pid, signal.SIGKILL)

    assert "as the kernel ran out of memory" in _ended(child)[1]


def test_a_kill_by_somebody_is_not_taken_for_the_kernels(child: Child) -> None:
    os.kill(child.pid, signal.SIGKILL)

    assert "out of memory" not in _ended(child)[1]


def test_a_kill_of_our_own_is_told_by_its_reason(child: Child) -> None:
    child.kill("overdue", "job 3 was 9 s past its deadline")

    reason, detail = _ended(child)

    assert "overdue" == reason
    assert detail.endswith("job 3 was 9 s past its deadline")


def test_a_frozen_child_is_told_from_one_that_goes_on(child: Child) -> None:
    os.kill(child.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
    was_frozen = child.is_frozen(0.0), child.is_frozen(60.0), child.has_ended

    os.kill(child.pid, signal.SIGCONT)
    os.waitid(os.P_PID, child.pid, os.WCONTINUED | os.WNOWAIT)
    is_frozen = child.is_frozen(0.0)
    os.kill(child.pid, signal.SIGKILL)

    assert (True, False, False) == was_frozen
    assert not is_frozen
    assert "died" == _ended(child)[0]


def test_a_kill_ends_a_frozen_child(child: Child) -> None:
    os.kill(child.pid, signal.SIGSTOP)

    child.kill("silent", "was frozen")

    assert "silent" == _ended(child)[0]
    assert not child.is_frozen(0.0)


def test_oom_kills_are_read_from_the_kernels_count(tmp_path: Path) -> None:
    vmstat = tmp_path / "vmstat"
    vmstat.write_text("pgfault 9\noom_kill 3\noom_kill_disable 1\n")

    assert 3 == oom_kills(vmstat)
    assert 0 == oom_kills(tmp_path / "missing")


def test_a_child_whose_claim_loop_stopped_stands_still_unless_a_job_keeps_it(
    child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    child.scoreboard.turn()
    job = child.scoreboard.start(7, None)
    now = time.monotonic() + 60
    monkeypatch.setattr(time, "monotonic", lambda: now)

    turned = child.is_stalled(61), child.is_stalled(60)
    child.scoreboard.show(job)
    monkeypatch.setattr(time, "monotonic", lambda: now + 2)
    kept = child.is_stalled(60)
    child.scoreboard.show(0)
    just_free = child.is_stalled(60)
    monkeypatch.setattr(time, "monotonic", lambda: now + 62)
    free = child.is_stalled(60)
    child.stop(0.0)

    assert (False, True) == turned
    assert (False, False, True) == (kept, just_free, free)
    assert not child.is_stalled(60)
    os.kill(child.pid, signal.SIGKILL)
    _ended(child)


def test_a_child_that_never_finishes_loading_its_tasks_is_late(
    child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: child.started_at + 60.5)

    is_late = child.is_late(61), child.is_late(60)
    child.is_ready = True
    is_ready_late = child.is_late(60)
    os.kill(child.pid, signal.SIGKILL)
    _ended(child)

    assert (False, True) == is_late
    assert not is_ready_late
