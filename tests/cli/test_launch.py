"""The start of a supervisor: its first child begins before its own words are read."""

import json
import os
import signal
import subprocess
import sys

import pytest

# Tells its exit code, and how each process ended that it had begun; who runs it may ignore SIGINT.
PROGRAM = """
import json, os, signal, subprocess, sys

signal.signal(signal.SIGINT, signal.default_int_handler)
begun = []

class Begun(subprocess.Popen):
    def __init__(self, *words, **facts):
        super().__init__(*words, **facts)
        begun.append(self)

class Told:
    def find_spec(self, name, *_):
        if name == "typer" and {told}:
            os.kill(os.getpid(), {told})

subprocess.Popen = Begun
sys.meta_path.insert(0, Told())
from pgqueue.cli.launch import launch

try:
    code = launch()
except SystemExit as stop:
    code = stop.code
print(json.dumps([code, [process.returncode for process in begun]]))
"""


def _launched(*words: str, told: int = 0) -> list[object]:
    """The exit code of a console script, and those of the processes that it had begun.

    Args:
        told: The signal that it gets while it imports Typer; 0 for none.
    """
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(told=told), *words],
        env={**os.environ, "PGQUEUE_URL": "postgresql://127.0.0.1:1/nowhere"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    said: list[object] = json.loads(done.stdout.splitlines()[-1])
    return said


@pytest.mark.parametrize(
    ("words", "code"), [(["--bogus"], 2), (["--greenlets", "many"], 2), ([], 3)], ids=str
)
def test_a_worker_that_cannot_start_leaves_no_process(words: list[str], code: int) -> None:
    assert [code, [-signal.SIGKILL]] == _launched("worker", *words)


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_the_very_start_ends_it_as_done(told: signal.Signals) -> None:
    assert [0, [-signal.SIGKILL]] == _launched("worker", told=told)


@pytest.mark.parametrize("words", [["worker", "--help"], ["config"]], ids=str)
def test_what_runs_no_jobs_begins_no_process(words: list[str]) -> None:
    assert [0, []] == _launched(*words)
