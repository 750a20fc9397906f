"""A worker's process before it knows which worker it is."""

import os
import signal

import pytest

from pgqueue.process.child import Child
from pgqueue.process.spare_process import SpareProcess
from pgqueue.process.worker_pool import WorkerKind, WorkerPool


def test_a_supervisor_that_gives_up_before_its_first_worker_leaves_no_process() -> None:
    with pytest.raises(SystemExit), SpareProcess("process") as spare:
        raise SystemExit(0)

    assert -signal.SIGKILL == spare.process.returncode


def test_a_process_that_became_a_worker_is_left_alone() -> None:
    with SpareProcess("process") as spare:
        child = Child(7, WorkerPool(WorkerKind("process"), 1, 1, 0), {}, spare)

    assert spare.process.pid == child.pid
    assert not child.has_ended
    os.kill(child.pid, signal.SIGKILL)
    spare.process.wait()
    child.close()


def test_a_process_whose_parent_has_ended_exits_by_itself() -> None:
    with SpareProcess("process") as spare:
        spare.channel.close()

        assert 0 == spare.process.wait(60)
