"""The processes of a run end with it, also when it is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from chaos import procs

_RUN = """
import subprocess, sys
from chaos.process_guard import ProcessGuard
guard = ProcessGuard()
stopped = subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
guard.add(stopped.pid)
print(stopped.pid, flush=True)
sys.stdin.read()
"""


def test_a_guarded_process_ends_with_a_run_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _RUN],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as run:
        assert run.stdout is not None
        pid = int(run.stdout.readline())
        os.kill(pid, signal.SIGSTOP)  # even a stopped process ends
        assert procs.lives(pid)

        run.kill()

    deadline = time.monotonic() + 10
    while procs.lives(pid) and time.monotonic() < deadline:
        time.sleep(0.01)  # a bounded wait for another process
    assert not procs.lives(pid)


def test_another_process_with_the_id_is_not_ended() -> None:
    with subprocess.Popen(["sleep", "600"]) as other:
        end_of = f"{other.pid} 12345"

        _end([end_of])

        assert procs.lives(other.pid)
        other.kill()


def _end(lines: list[str]) -> None:
    from chaos import process_guard

    process_guard.end(lines)
