"""What the tests of the command line arrange: commands in this process and in one of their own."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import claiming
import pytest

from pgqueue.cli.app import main
from pgqueue.core.lifecycle import Outcome
from pgqueue.store import settlements, workers
from pgqueue.store.connection.link import Link
from pgqueue.store.settlements import Settlement
from pgqueue.store.statement import run
from pgqueue.tasks.default import configure

APP = Path(__file__).parent / "app"


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output, as the one JSON document that it is."""
        return json.loads(self.out)


Command = Callable[..., Said]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty current folder, and an environment that says nothing."""
    for name in list(os.environ):
        if name == "DATABASE_URL" or name.startswith("PGQUEUE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(APP))
    return tmp_path


@pytest.fixture
def command(here: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """Runs a command in this process."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level

    def call(*words: object) -> Said:
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    yield call
    configure()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def at(command: Command, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command on the fresh database."""
    monkeypatch.setenv("PGQUEUE_URL", database_url)
    return command


@pytest.fixture
def process(here: Path, database_url: str) -> Command:
    """Runs a command in a process of its own, on the fresh database."""

    def call(*words: object) -> Said:
        done = subprocess.run(
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
        return Said(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def fail(link: Link) -> Callable[[], None]:
    """Claims what is queued in `default` and settles it as failed."""

    def call() -> None:
        worker_id = run(
            link,
            workers.register_worker(
                supervisor_id=1,
                executor="greenlet",
                slots=10,
                host="here",
                queues=["default"],
                lease_seconds=60,
            ),
        )
        claimed = run(
            link,
            claiming.claim(
                worker_id=worker_id,
                queues=["default"],
                executor="greenlet",
                unknown_tasks=[],
                jobs_max=100,
                slots_free=100,
            ),
        )
        ended = [
            Settlement(
                each.id,
                each.attempt,
                each.worker_id,
                Outcome.FAILED,
                waited_seconds=0.0,
                error_type="RuntimeError",
                error_message="too hot",
                traceback="Traceback: too hot",
            )
            for each in claimed
        ]
        run(link, settlements.settle(ended))

    return call
