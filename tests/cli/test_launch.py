"""The start of a supervisor: its first child starts before the command line is read."""

import json
import os
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.usefixtures("default_signals")

# Prints its exit code, and the exit code of each process that it started.
PROGRAM = """
import json, os, subprocess, sys

started = []

class Recorded(subprocess.Popen):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        started.append(self)

class SignalAtImport:
    def find_spec(self, name, *_):
        if name == "typer" and {signum}:
            os.kill(os.getpid(), {signum})

subprocess.Popen = Recorded
sys.meta_path.insert(0, SignalAtImport())
from pgqueue.cli.launch import launch

try:
    code = launch()
except SystemExit as exit:
    code = exit.code
print(json.dumps([code, [process.returncode for process in started]]))
"""


def _launched(*words: str, signum: int = 0) -> list[object]:
    """The exit code of a console script, and the exit codes of the processes that it started.

    Args:
        signum: The signal that the script gets while it imports Typer; 0 for none.
    """
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(signum=int(signum)), *words],
        env={**os.environ, "PGQUEUE_URL": "postgresql://127.0.0.1:1/nowhere"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    codes: list[object] = json.loads(process.stdout.splitlines()[-1])
    return codes


@pytest.mark.parametrize(
    ("words", "code"), [(["--bogus"], 2), (["--greenlets", "many"], 2), ([], 3)], ids=str
)
def test_a_worker_that_cannot_start_leaves_no_process(words: list[str], code: int) -> None:
    assert [code, [-signal.SIGKILL]] == _launched("worker", *words)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_during_the_start_ends_the_worker_with_code_0(signum: signal.Signals) -> None:
    assert [0, [-signal.SIGKILL]] == _launched("worker", signum=signum)


# Sends itself a signal while the interpreter ends: by a function of `atexit`, and by an object that
# lives as long as its module.
LATE_SIGNAL = """
import atexit, os, signal, sys

class Late:
    def __del__(self, kill=os.kill, pid=os.getpid()):
        kill(pid, {signum})

late = Late()
atexit.register(os.kill, os.getpid(), {signum})
from pgqueue.cli.launch import launch

sys.exit(launch())
"""


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_the_last_moments_changes_no_exit_code(signum: signal.Signals) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LATE_SIGNAL.format(signum=int(signum)), "worker"],
        env={**os.environ, "PGQUEUE_URL": "postgresql://127.0.0.1:1/nowhere"},
        capture_output=True,
        timeout=60,
    )

    assert 3 == ended.returncode


@pytest.mark.parametrize("words", [["worker", "--help"], ["config"]], ids=str)
def test_a_command_that_runs_no_jobs_starts_no_process(words: list[str]) -> None:
    assert [0, []] == _launched(*words)
