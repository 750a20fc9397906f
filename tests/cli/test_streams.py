"""Whatever standard output and error take, no command ends with a traceback."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

import pytest

from pgqueue.client.client import Client
from pgqueue.core.exit_codes import EXIT_FAILED
from pgqueue.core.lifecycle import JobStatus

APP = Path(__file__).parent / "app"
ROOT = Path(__file__).parents[2]
WORD = "烤 ü \U0001f35e"

ENCODINGS = {
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "Latin-1": {"PYTHONIOENCODING": "latin-1"},
    "ASCII": {"PYTHONIOENCODING": "ascii:strict"},
}
COMMANDS = {
    "list": ["jobs", "list"],
    "show": ["jobs", "show", "1"],
    "logs": ["logs", "1"],
    "follow": ["logs", "1", "--follow"],
    "run": ["run", "bakery.translate", json.dumps({"word": WORD})],
    "tasks": ["tasks", "show", "bakery.translate"],
    "config": ["config"],
    "cancel": ["jobs", "cancel", "1", "--dry-run"],
    "migrate": ["migrate", "--sql"],
    "help": ["--help"],
    "usage": ["jobs", "shout"],
}
BROKEN = ("list", "show", "logs", "run", "config", "migrate", "help")

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture(scope="module")
def run(
    fresh_database: Callable[[str], AbstractContextManager[str]], entrance_url: str
) -> Iterator[Run]:
    """Runs a command in a process of its own, on a database with one job that logged.

    All tests read the one job and change nothing of it.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith("PGQUEUE_")}
    with fresh_database(entrance_url) as url, Client(url) as client:

        def call(
            words: list[str], *, stdout: int | IO[Any] = subprocess.PIPE, **environment: str
        ) -> "subprocess.CompletedProcess[bytes]":
            return subprocess.run(
                [sys.executable, "-m", "pgqueue", *words],
                cwd=APP,
                env={**own, "PYTHONPATH": str(ROOT), "PGQUEUE_URL": url, **environment},
                stdout=stdout,
                stderr=subprocess.PIPE,
                timeout=60,
            )

        job = client.enqueue("bakery.translate", {"word": WORD})
        # The task prints: that must not fail its job either.
        call(["worker", "--tasks", "bakery", "--burst"], PYTHONIOENCODING="ascii:strict")
        assert JobStatus.SUCCEEDED == client.job(job.id).status
        yield call


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_command_prints_to_a_stream_of_any_encoding(encoding: str, run: Run) -> None:
    for name, words in COMMANDS.items():
        done = run(words, **ENCODINGS[encoding])

        assert b"Traceback" not in done.stderr, (name, done.stderr.decode())
        assert (2 if name == "usage" else 0) == done.returncode, (name, done.stderr.decode())


@pytest.mark.parametrize("encoding", ["Latin-1", "ASCII"])
def test_json_stays_json_in_every_encoding(encoding: str, run: Run) -> None:
    for words in (["jobs", "list", "--json"], ["logs", "1", "--json"], COMMANDS["run"]):
        done = run(words, **ENCODINGS[encoding])

        # The task itself prints a line before its result.
        document = json.loads(done.stdout.splitlines()[-1] if "run" in words else done.stdout)
        assert WORD in str(document)


@pytest.mark.parametrize("name", BROKEN)
def test_full_output_ends_a_command_with_a_message(name: str, run: Run) -> None:
    with open("/dev/full", "wb") as full:
        done = run(COMMANDS[name], stdout=full)

    message = "pgqueue: standard output takes no more: No space left on device\n"
    assert (EXIT_FAILED, True) == (done.returncode, done.stderr.decode().endswith(message))
    assert b"Traceback" not in done.stderr and b"Exception ignored" not in done.stderr


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_pipe_ends_a_command_in_silence(name: str, run: Run) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as pipe:
        done = run(COMMANDS[name], stdout=pipe)

    assert EXIT_FAILED == done.returncode
    noise = [b"Traceback", b"Exception ignored", b"takes no more"]
    assert [] == [text for text in noise if text in done.stderr], done.stderr.decode()


def test_errors_that_cannot_be_printed_change_no_exit_code(database_url: str) -> None:
    with open("/dev/full", "wb") as full:
        codes = [
            subprocess.run(
                [sys.executable, "-m", "pgqueue", *words],
                env={**os.environ, "PYTHONPATH": str(ROOT), "PGQUEUE_URL": database_url},
                stdout=subprocess.DEVNULL,
                stderr=full,
                timeout=60,
            ).returncode
            for words in (["jobs", "show", "4711"], ["jobs", "retry"], ["worker", "--burst"])
        ]

    assert [1, 2, 0] == codes
