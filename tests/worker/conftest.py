"""Real supervisors with real children, as `pgqueue worker` starts them."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run
from pgqueue.store.tasks import record_tasks
from pgqueue.tasks import loading

APP = Path(__file__).parent / "app"

_SECONDS_MAX = 60.0


class Fleet:
    """One supervisor process and its workers."""

    def __init__(self, url: str, *arguments: str, **environment: str) -> None:
        self.url = url
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pgqueue", "worker", *arguments],
            cwd=APP,
            env={
                **os.environ,
                "PGQUEUE_URL": url,
                "PGQUEUE_TASKS": os.environ.get("PGQUEUE_TEST_TASKS", "shop.tasks"),
                "PGQUEUE_TIMEOUT_GRACE_SECONDS": "1",
                "PGQUEUE_CPUS": "1",
                **environment,
            },
            stderr=subprocess.PIPE,
        )
        self._connection: psycopg.Connection[Any] = psycopg.connect(
            url, autocommit=True, prepare_threshold=None
        )

    def rows(self, text: str, *params: object) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self._connection.execute(text.encode(), params).fetchall()

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Poll until a condition holds; fail with *what* after a minute."""
        end = time.monotonic() + _SECONDS_MAX
        while not condition():
            if time.monotonic() > end:
                pytest.fail(f"never happened: {what}; jobs: {self.rows(_STATES)}")
            # A bounded poll of another process.
            pause(0.02)

    def until_query(self, text: str, *params: object) -> None:
        """Poll until a query answers true."""
        self.until(lambda: bool(self.rows(text, *params)[0][0]), text)

    def children(self) -> list[int]:
        """Process ids of the live workers."""
        return [row[0] for row in self.rows(_LIVE)]

    def signal(self, number: int) -> None:
        """Send the supervisor a signal."""
        self.process.send_signal(number)

    def wait(self) -> int:
        """The supervisor's exit code."""
        _, self.errors = self.process.communicate(timeout=_SECONDS_MAX)
        return self.process.returncode

    def close(self) -> None:
        """End the supervisor, if it still runs."""
        if self.process.poll() is None:
            # Two different signals: the kernel keeps one of two equal signals that wait.
            self.process.send_signal(signal.SIGTERM)
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.communicate()
        self.process.stderr.close() if self.process.stderr else None
        self._connection.close()


def pause(seconds: float) -> None:
    """Let other processes run for a moment."""
    select.select([], [], [], seconds)


_LIVE = "select pid from pgqueue.workers where stopped_at is null and pid is not null order by id"
_STATES = "select id, task, status, attempt, error from pgqueue.jobs order by id limit 40"


@pytest.fixture
def fleet(database_url: str, default_signals: None) -> Iterator[Callable[..., Fleet]]:
    """Start supervisors; all are ended after the test."""
    started: list[Fleet] = []

    def start(*arguments: str, **environment: str) -> Fleet:
        started.append(Fleet(database_url, *arguments, **environment))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def recorded(link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    """The options of the tasks are recorded, so that `enqueue` by name takes them."""
    monkeypatch.syspath_prepend(str(APP))
    kinds = ("", "hard_", "fork_", "program_", "leftover_", "stream_", "timer_")
    tasks = loading.load([f"shop.{kind}tasks" for kind in kinds])
    run(link, record_tasks(task.describe() for task in tasks))


@pytest.fixture
def burst(fleet: Callable[..., Fleet]) -> Callable[..., Fleet]:
    """Run a supervisor until nothing is queued or running; it must exit with code 0."""

    def work(*arguments: str, **environment: str) -> Fleet:
        supervisor = fleet(*arguments, "--burst", **environment)
        code = supervisor.wait()
        assert 0 == code, supervisor.errors.decode()
        return supervisor

    return work
