"""The pipe that runs one attempt."""

from collections.abc import Callable
from typing import Any

import pytest
from queue_database import QueueDatabase
from worker.harness import LIMITS

from pgqueue import CancelJob, RetryJob, SnoozeJob, task
from pgqueue.core.decisions import JobCancelled, JobInterrupted, JobTimeout
from pgqueue.core.events.event import listen
from pgqueue.core.events.jobs import JobStarted
from pgqueue.core.job_context import JobContext, find_current_job
from pgqueue.core.lifecycle import Outcome
from pgqueue.core.middleware import middleware, remove_middleware
from pgqueue.process.scoreboard import Scoreboard
from pgqueue.store.settlements import Settlement
from pgqueue.worker.active_attempt import ActiveAttempt, Receipt
from pgqueue.worker.in_flight import InFlight
from pgqueue.worker.runner import Runner


@task(name="runner.task")
def _task() -> None: ...


class Running:
    """Runs one task as its worker would, and keeps how it ended.

    Attributes:
        current: The attempt that was started last.
    """

    current: ActiveAttempt

    def __init__(self, db: QueueDatabase) -> None:
        self.db = db
        self.in_flight = InFlight(slots=1, prefetch_max=0, settling_max=9, scoreboard=Scoreboard(9))
        self.settlements: list[Settlement] = []

    def run(self, *, is_revoked: bool = False) -> ActiveAttempt:
        """The attempt of a new job, when the attempt has ended."""
        attempt = ActiveAttempt(self.db.claim_new(task="runner.task"), _task, Receipt(0.0))
        self.current = attempt
        if is_revoked:
            attempt.revoke()
        runner = Runner(
            self.in_flight,
            LIMITS,
            find_task=lambda attempt: pytest.fail("its task is known"),
            context_of=lambda attempt, task, args: JobContext(
                id=attempt.claimed.id,
                attempt=attempt.claimed.attempt,
                task=attempt.claimed.task,
                args=args,
                host=None,  # type: ignore[arg-type]
            ),
            watch=lambda attempt: None,
            settle=lambda attempt, settlement: self.settlements.append(settlement),
        )
        runner.run((attempt,))
        return attempt


@pytest.fixture
def running(db: QueueDatabase) -> Running:
    return Running(db)


def test_a_start_emits_an_event_where_somebody_listens(running: Running) -> None:
    events: list[JobStarted] = []
    stop_listening = listen(JobStarted, events.append)

    attempt = running.run()
    running.run(is_revoked=True)
    stop_listening()

    assert [(*attempt.key, "runner.task", "default")] == [
        (event.job_id, event.attempt, event.task, event.queue) for event in events
    ]


def test_an_attempt_is_interruptible_in_its_middleware_and_not_afterwards(
    running: Running,
) -> None:
    seen = []

    def wrap(job: JobContext, call_next: Callable[[], Any]) -> Any:
        seen.append((find_current_job() is job, running_attempt[0].is_interruptible))
        return call_next()

    running_attempt: list[ActiveAttempt] = []
    start = running.in_flight.start
    running.in_flight.start = lambda attempt: (  # type: ignore[method-assign]
        running_attempt.append(attempt), start(attempt),
    )  # fmt: skip
    middleware(wrap)
    try:
        attempt = running.run()
    finally:
        remove_middleware(wrap)

    assert [(True, True)] == seen
    assert not attempt.is_interruptible
    assert find_current_job() is None
    assert [Outcome.SUCCEEDED] == [end.outcome for end in running.settlements]


def test_a_coroutine_that_nothing_awaited_fails_its_attempt(running: Running) -> None:
    async def later() -> str:
        return "never"

    def wrap(job: JobContext, call_next: Callable[[], Any]) -> Any:
        return later()

    middleware(wrap)

    running.run()
    remove_middleware(wrap)

    [settlement] = running.settlements
    assert (Outcome.FAILED, "TypeError") == (settlement.outcome, settlement.error_type)
    assert "nothing awaited it" in (settlement.error_message or "")
    assert settlement.result is None


def test_a_wrapper_that_exits_fails_the_attempt_and_not_the_worker(running: Running) -> None:
    def wrap(job: JobContext, call_next: Callable[[], Any]) -> Any:
        raise SystemExit(3)

    middleware(wrap)

    running.run()
    remove_middleware(wrap)

    [settlement] = running.settlements
    assert (Outcome.FAILED, "SystemExit") == (settlement.outcome, settlement.error_type)


@pytest.mark.parametrize(
    ("errors", "outcome", "error_type", "delay"),
    [
        ([SnoozeJob(5)], Outcome.SNOOZED, "SnoozeJob", 5.0),
        ([SnoozeJob(5), SnoozeJob(9), SnoozeJob(7)], Outcome.SNOOZED, "SnoozeJob", 9.0),
        ([CancelJob("unwanted"), CancelJob()], Outcome.CANCELLED, "CancelJob", None),
        ([RetryJob("busy", delay=4)], Outcome.FAILED, "RetryJob", 4.0),
        ([RetryJob(), RetryJob(delay=4)], Outcome.FAILED, "RetryJob", 4.0),
        ([JobInterrupted()], Outcome.FAILED, "JobInterrupted", None),
        ([SnoozeJob(5), ValueError()], Outcome.FAILED, "ExceptionGroup", None),
        ([SnoozeJob(5), CancelJob()], Outcome.FAILED, "ExceptionGroup", None),
        ([ValueError()], Outcome.FAILED, "ExceptionGroup", None),
    ],
)
def test_a_group_of_one_kind_of_decision_is_that_decision(
    running: Running,
    errors: list[BaseException],
    outcome: Outcome,
    error_type: str,
    delay: float | None,
) -> None:
    def wrap(job: JobContext, call_next: Callable[[], Any]) -> Any:
        raise BaseExceptionGroup("children", [BaseExceptionGroup("nested", errors)])

    middleware(wrap)

    running.run()
    remove_middleware(wrap)

    [settlement] = running.settlements
    assert (outcome, error_type, delay) == (
        settlement.outcome,
        settlement.error_type,
        settlement.delay_seconds,
    )


def _raised(error: BaseException) -> BaseException:
    return error


def _in_a_group(error: BaseException) -> BaseException:
    return BaseExceptionGroup("children", [BaseExceptionGroup("nested", [error, error])])


def _as_a_cause(error: BaseException) -> BaseException:
    wrapping = ValueError("the clean-up failed")
    wrapping.__cause__ = error
    return wrapping


_FORMS = [_raised, _in_a_group, _as_a_cause]
_FROM_OUTSIDE = [
    (JobInterrupted, Outcome.INTERRUPTED),
    (JobCancelled, Outcome.CANCELLED),
    (JobTimeout, Outcome.TIMED_OUT),
]


@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize("kind", [kind for kind, _ in _FROM_OUTSIDE])
def test_an_error_from_outside_that_a_task_makes_itself_is_a_failure(
    running: Running,
    kind: type[BaseException],
    form: Callable[[BaseException], BaseException],
) -> None:
    def wrap(job: JobContext, call_next: Callable[[], Any]) -> Any:
        raise form(errors.pop())

    errors = [kind(), type("Subclass", (kind,), {})()]
    middleware(wrap)
    try:
        for _ in range(2):
            running.run()
    finally:
        remove_middleware(wrap)

    assert [Outcome.FAILED] * 2 == [end.outcome for end in running.settlements]


@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize(("kind", "outcome"), _FROM_OUTSIDE)
def test_an_error_from_outside_that_a_task_raises_again_keeps_its_outcome(
    running: Running,
    kind: type[BaseException],
    outcome: Outcome,
    form: Callable[[BaseException], BaseException],
) -> None:
    def wrap(job: JobContext, call_next: Callable[[], Any]) -> Any:
        error = kind("from outside")
        running.current.interrupt(error, 0.0, str)
        raise form(error)

    middleware(wrap)
    try:
        running.run()
    finally:
        remove_middleware(wrap)

    assert [outcome] == [end.outcome for end in running.settlements]
