"""A worker's process before it is told which worker it is."""

import os
import signal

import pytest

from pgqueue.process.child import Child
from pgqueue.process.crew import Crew, Kind
from pgqueue.process.interpreter import Interpreter


def test_who_gives_up_before_there_is_a_worker_leaves_no_process() -> None:
    with pytest.raises(SystemExit), Interpreter("process") as begun:
        raise SystemExit(0)

    assert -signal.SIGKILL == begun.process.returncode


def test_a_process_that_became_a_worker_is_left_alone() -> None:
    with Interpreter("process") as begun:
        child = Child(7, Crew(Kind("process"), 1, 1, 0), {}, begun)

    assert begun.process.pid == child.pid
    assert not child.has_ended
    os.kill(child.pid, signal.SIGKILL)
    begun.process.wait()
    child.channel.close()
    child.board.close()


def test_a_process_whose_beginner_is_gone_ends_by_itself() -> None:
    with Interpreter("process") as begun:
        begun.channel.close()

        assert 0 == begun.process.wait(60)
