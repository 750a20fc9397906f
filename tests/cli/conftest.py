"""Fixtures of the command line: commands in this process and in a process of their own."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pgqueue.cli.app import main
from pgqueue.core.lifecycle import Outcome
from pgqueue.tasks.default import configure

if TYPE_CHECKING:
    from queue_database import QueueDatabase

APP = Path(__file__).parent / "app"


@dataclass(frozen=True)
class CommandResult:
    """The output of a command, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output, as the one JSON document that it is."""
        return json.loads(self.out)


Command = Callable[..., CommandResult]


@pytest.fixture
def empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty current folder, and an environment without settings."""
    for name in list(os.environ):
        if name == "DATABASE_URL" or name.startswith("PGQUEUE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(APP))
    return tmp_path


@pytest.fixture
def command(empty_folder: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """Runs a command in this process."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level

    def call(*words: object) -> CommandResult:
        code = main([str(word) for word in words])
        printed = capsys.readouterr()
        return CommandResult(code, printed.out, printed.err)

    yield call
    configure()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def pgqueue(command: Command, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command on the fresh database."""
    monkeypatch.setenv("PGQUEUE_URL", database_url)
    return command


@pytest.fixture
def pgqueue_process(empty_folder: Path, database_url: str) -> Command:
    """Runs a command in a process of its own, on the fresh database."""

    def call(*words: object) -> CommandResult:
        process = subprocess.run(
            [sys.executable, "-m", "pgqueue", *map(str, words)],
            cwd=APP,
            env={
                **os.environ,
                "PGQUEUE_URL": database_url,
                "PYTHONPATH": str(Path(__file__).parents[2]),
            },
            capture_output=True,
            text=True,
            timeout=60,
        )
        return CommandResult(process.returncode, process.stdout, process.stderr)

    return call


@pytest.fixture
def fail_queued_jobs(db: "QueueDatabase") -> Callable[[], None]:
    """Claims the queued jobs of `default` and records that their attempts failed."""

    def call() -> None:
        for attempt in db.claim(db.worker()):
            db.settle(
                attempt,
                Outcome.FAILED,
                error_type="RuntimeError",
                error_message="too hot",
                traceback="Traceback: too hot",
            )

    return call
