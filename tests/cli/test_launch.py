"""The start of a supervisor: its first child begins before its own words are read."""

import os
import signal
import subprocess
import sys

import pytest
from chaos import procs

# Tells the process of the child that was begun, and does *then* as soon as it is.
PROGRAM = """
import os, signal, subprocess, sys

class Begun(subprocess.Popen):
    def __init__(self, *words, **facts):
        super().__init__(*words, **facts)
        print(self.pid, flush=True)
        {then}

subprocess.Popen = Begun
from pgqueue.cli.launch import launch

sys.exit(launch())
"""


def _launched(*words: str, then: str = "pass") -> tuple[int, int]:
    """The exit code of a console script, and the process of the child that it began.

    Both write to one pipe, which is read until neither has it any more.
    """
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(then=then), *words],
        env={**os.environ, "PGQUEUE_URL": "postgresql://127.0.0.1:1/nowhere"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, int(done.stdout.splitlines()[0])


@pytest.mark.parametrize(
    ("words", "code"), [(["--bogus"], 2), (["--greenlets", "many"], 2), (["--help"], 0), ([], 3)]
)
def test_a_worker_that_cannot_start_leaves_no_process(words: list[str], code: int) -> None:
    ended, child = _launched("worker", *words)

    assert (code, False) == (ended, procs.lives(child))


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_the_very_start_ends_it_as_done(told: signal.Signals) -> None:
    ended, child = _launched("worker", then=f"os.kill(os.getpid(), signal.{told.name})")

    assert (0, False) == (ended, procs.lives(child))
