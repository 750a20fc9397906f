"""An error after `complete()` is logged, and kept with the attempt that succeeded."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from worker.harness import LIMITS, FinisherHarness

from pgqueue.client.client import Client
from pgqueue.core.events.event import listen
from pgqueue.core.events.jobs import JobFailedAfterCompletion
from pgqueue.core.lifecycle import Outcome
from pgqueue.store.connection.link import Link
from pgqueue.worker.completion import Completion

LATE = {"error_type": "KeyError", "error_message": "'late'", "traceback": "Traceback …"}


class Completed:
    """A finisher, and an attempt that completes itself on another connection."""

    def __init__(self, database_url: str, link: Link, client: Client) -> None:
        self.harness = FinisherHarness(database_url, link, client)
        self.attempt = self.harness.attempts[0]
        self.events: list[JobFailedAfterCompletion] = []
        self._completion = Completion(self.harness.finisher.output, LIMITS, link.schema)
        self._database_url = database_url
        self._link = link

    def complete(self, *, is_committed: bool = True) -> None:
        """Complete the attempt in a transaction of its task."""
        with psycopg.connect(self._database_url, prepare_threshold=None) as connection:
            connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
            self._completion.complete(self.attempt, connection, None)
            (connection.commit if is_committed else connection.rollback)()

    def end(self, **fields: Any) -> None:
        """End the attempt by an error."""
        stop_listening = listen(JobFailedAfterCompletion, self.events.append)
        self.harness.settle([self.attempt], Outcome.FAILED, **fields)
        stop_listening()

    @property
    def row(self) -> tuple[Any, ...]:
        """The attempt as it is recorded."""
        [row] = self._link.fetch(
            "select outcome::text, error_type, error_message, traceback "
            "from pgqueue.attempts where job_id = %(id)s",
            {"id": self.attempt.claimed.id},
        )
        return tuple(row)


@pytest.fixture
def completed(database_url: str, link: Link, client: Client) -> Iterator[Completed]:
    completed = Completed(database_url, link, client)
    yield completed
    completed.harness.finisher.close()


def test_an_error_after_a_completion_is_kept_with_the_attempt_and_reported(
    completed: Completed, client: Client
) -> None:
    completed.complete()

    completed.end(**LATE)

    assert ("succeeded", *LATE.values()) == completed.row
    assert ("succeeded", None) == (
        client.job(completed.attempt.claimed.id).status,
        client.job(completed.attempt.claimed.id).error,
    )
    [event] = completed.events
    assert (*completed.attempt.key, "shop.f", "KeyError", "'late'") == (
        event.job_id,
        event.attempt,
        event.task,
        event.error_type,
        event.error_message,
    )


def test_an_error_after_a_completion_of_a_job_that_is_not_kept_is_reported(
    completed: Completed, link: Link
) -> None:
    link.raw.execute("update pgqueue.jobs set keep_seconds = 0")
    completed.complete()

    completed.end(**LATE)

    assert ["KeyError"] == [event.error_type for event in completed.events]


def test_an_error_after_a_completion_that_was_rolled_back_fails_the_attempt(
    completed: Completed,
) -> None:
    completed.complete(is_committed=False)

    completed.end(**LATE)

    assert ("failed", *LATE.values()) == completed.row
    assert [] == completed.events


def test_a_task_that_returns_after_its_completion_has_no_error(completed: Completed) -> None:
    completed.complete()

    completed.end(error_type="CompletionRolledBack")

    assert ("succeeded", None, None, None) == completed.row
    assert [] == completed.events
