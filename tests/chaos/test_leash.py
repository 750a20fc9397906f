"""What a run started ends with it, also when it is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from chaos import procs

_RUN = """
import subprocess, sys
from chaos.leash import Leash
leash = Leash()
stopped = subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
leash.hold(stopped.pid)
print(stopped.pid, flush=True)
sys.stdin.read()
"""


def test_what_is_held_ends_with_a_run_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _RUN],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as run:
        assert run.stdout is not None
        pid = int(run.stdout.readline())
        os.kill(pid, signal.SIGSTOP)  # even what is stopped ends
        assert procs.lives(pid)

        run.kill()

    until = time.monotonic() + 10
    while procs.lives(pid) and time.monotonic() < until:
        time.sleep(0.01)  # a look at another process's doing
    assert not procs.lives(pid)


def test_another_process_of_the_same_number_is_left_alone() -> None:
    with subprocess.Popen(["sleep", "600"]) as other:
        end_of = f"{other.pid} 12345"

        _end([end_of])

        assert procs.lives(other.pid)
        other.kill()


def _end(lines: list[str]) -> None:
    from chaos import leash

    leash.end(lines)
