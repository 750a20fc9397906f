"""What is raised in the tasks of a worker from outside."""

import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest
from worker.harness import FetcherHarness

from pgqueue.client.client import Client
from pgqueue.core.decisions import JobTimeout
from pgqueue.store.connection.link import Link
from pgqueue.worker.active_attempt import ActiveAttempt
from pgqueue.worker.interrupts import Interrupts


class Thrown:
    """An executor whose main thread runs no task: it keeps what is thrown into tasks."""

    def __init__(self) -> None:
        self.errors: list[tuple[ActiveAttempt, BaseException]] = []

    def current(self) -> None:
        """No attempt."""

    def frame_of(self, attempt: ActiveAttempt) -> FrameType | None:
        """No frame."""
        return None

    def throw(self, attempt: ActiveAttempt, error: BaseException) -> None:
        """Keep it."""
        self.errors.append((attempt, error))


@pytest.fixture
def harness(database_url: str, link: Link) -> Iterator[FetcherHarness]:
    harness = FetcherHarness(database_url, link)
    yield harness
    harness.fetcher.close()


def test_an_overdue_job_without_a_lease_gets_one_error(
    harness: FetcherHarness, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.enqueue("shop.work")
    harness.turn()
    [attempt] = harness.in_flight.take_next() or ()
    harness.in_flight.start(attempt)
    attempt.is_interruptible = True
    attempt.deadline = time.monotonic()
    monkeypatch.setattr(type(harness.in_flight), "is_lease_over", True)
    executor: Any = Thrown()
    interrupts = Interrupts(harness.in_flight, repeat_seconds=60.0)
    interrupts._executor = executor

    interrupts._on_alarm(0, None)

    [(interrupted, error)] = executor.errors
    assert interrupted is attempt
    assert isinstance(error, JobTimeout)
