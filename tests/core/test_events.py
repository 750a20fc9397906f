"""Events reach every listener, and no listener can disturb the code that emits."""

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import FrozenInstanceError
from functools import partial
from typing import Any

import pytest

from pgqueue.core import decisions
from pgqueue.core.errors import InvalidOption
from pgqueue.core.events.event import Event, emit, is_observed, listen, listen_while
from pgqueue.core.events.jobs import (
    AttemptEvent,
    JobClaimed,
    JobEvent,
    JobFailed,
    JobInterruptedEvent,
    JobLost,
    JobRetried,
    JobSkipped,
    JobSnoozed,
    JobSucceeded,
    settlement_events,
)
from pgqueue.core.events.workers import SupervisorStopped
from pgqueue.core.lifecycle import JobStatus, Outcome

SKIPPED = JobSkipped(job_id=1, reason="a trigger")
STOPPED = SupervisorStopped(supervisor_id=2)

SUCCEEDED = JobSucceeded(
    job_id=1,
    attempt=1,
    worker_id=2,
    task="shop.f",
    queue="default",
    outcome=Outcome.SUCCEEDED,
    status=JobStatus.SUCCEEDED,
)

Listen = Callable[[str | type[Event]], list[Event]]


@pytest.fixture
def received() -> Iterator[Listen]:
    """Listens to an event, and returns the list that its occurrences are added to."""
    stops = []

    def start(event: str | type[Event]) -> list[Event]:
        events: list[Event] = []
        stops.append(listen(event, events.append))
        return events

    yield start
    for stop in stops:
        stop()


@pytest.mark.parametrize("event", ["job.skipped", "job.*", "*", JobSkipped])
def test_a_listener_gets_the_events_of_its_name_and_no_others(
    received: Listen, event: str | type[Event]
) -> None:
    events = received(event)

    emit(SKIPPED)
    emit(STOPPED)

    assert ([SKIPPED, STOPPED] if event == "*" else [SKIPPED]) == events


@pytest.mark.parametrize(
    "base, events",
    [(Event, [SKIPPED, STOPPED, SUCCEEDED]), (JobEvent, [SUCCEEDED]), (AttemptEvent, [SUCCEEDED])],
)
def test_a_base_class_stands_for_all_its_subclasses(
    received: Listen, base: type[Event], events: list[Event]
) -> None:
    actual = received(base)

    for event in (SKIPPED, STOPPED, SUCCEEDED):
        emit(event)

    assert events == actual


@pytest.mark.parametrize(
    "event, advice",
    [
        ("job.faild", "no event has such a name. Did you mean 'job.failed'?"),
        ("jobs_*", "no event has such a name. See the classes of pgqueue.events."),
        ("", "no event has such a name. See the classes of pgqueue.events."),
        (int, "pass a name, or a class of pgqueue.events."),
        (SKIPPED, "pass a name, or a class of pgqueue.events."),
    ],
)
def test_an_event_that_does_not_exist_is_refused(event: Any, advice: str) -> None:
    with pytest.raises(InvalidOption) as refusal:
        listen(event, lambda event: None)

    assert ("event", advice) == (refusal.value.option, refusal.value.reason)


def test_a_listener_gets_nothing_after_it_was_stopped() -> None:
    events: list[Event] = []
    stop = listen("*", events.append)

    emit(SKIPPED)
    stop()
    stop()
    emit(SKIPPED)

    assert [SKIPPED] == events


def test_one_function_that_listens_twice_is_stopped_once_at_a_time() -> None:
    events: list[Event] = []
    stop_first, stop_second = (listen("job.skipped", events.append) for _ in range(2))

    stop_first()
    emit(SKIPPED)
    stop_second()
    emit(SKIPPED)

    assert [SKIPPED] == events


def test_a_listener_that_raises_keeps_no_other_from_its_event(
    received: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(event: Event) -> None:
        raise ValueError("broken")

    stop = listen("*", broken)
    events = received("*")

    with caplog.at_level(logging.ERROR, "pgqueue.events"):
        emit(SKIPPED)
    stop()

    assert [SKIPPED] == events
    assert ["listener raised"] == [
        record.message for record in caplog.records if record.name == "pgqueue.events"
    ]


@pytest.mark.parametrize("kind", [ValueError, SystemExit, GeneratorExit, BaseException])
def test_an_error_of_a_listener_is_dropped_whatever_its_class(
    received: Listen, kind: type[BaseException]
) -> None:
    def broken(event: Event) -> None:
        raise kind("broken")

    stop = listen("*", broken)
    events = received("*")

    emit(SKIPPED)
    stop()

    assert [SKIPPED] == events


@pytest.mark.parametrize(
    "kind",
    [
        KeyboardInterrupt,
        decisions.JobTimeout,
        decisions.JobCancelled,
        decisions.JobInterrupted,
    ],
)
def test_an_error_that_arrives_from_outside_passes_a_listener(kind: type[BaseException]) -> None:
    def interrupted(event: Event) -> None:
        raise kind("from outside")

    stop = listen("*", interrupted)

    with pytest.raises(kind, match="from outside"):
        emit(SKIPPED)
    stop()


@pytest.mark.parametrize("kind", [ConnectionError, SystemExit])
def test_a_log_handler_that_raises_is_no_error_of_what_emits(kind: type[BaseException]) -> None:
    class Unreachable(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise kind("the log server is down")

    def broken(event: Event) -> None:
        raise ValueError("broken")

    handler = Unreachable()
    logging.getLogger().addHandler(handler)
    stop = listen("*", broken)

    try:
        emit(SKIPPED)
    finally:
        logging.getLogger().removeHandler(handler)
        stop()


def test_a_listener_without_a_repr_is_dropped_like_any_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken:
        def __call__(self, event: Event) -> None:
            raise ValueError("broken")

        def __repr__(self) -> str:
            raise ValueError("no text")

    stop = listen("*", Broken())

    emit(SKIPPED)
    stop()

    records = [record for record in caplog.records if record.name == "pgqueue.events"]
    assert ["Broken"] == [vars(record)["listener"] for record in records]


def test_an_event_is_observed_only_while_a_function_listens_to_it() -> None:
    before = is_observed(JobSucceeded, JobClaimed)
    stop = listen("job.claimed", lambda event: None)
    meanwhile = is_observed(JobSucceeded, JobClaimed), is_observed(JobSucceeded)
    stop()

    assert (False, (True, False), False) == (before, meanwhile, is_observed(JobClaimed))


def test_an_event_need_not_be_made_while_its_listener_does_not_want_it() -> None:
    wanted: set[type[Event]] = set()
    stop = listen_while(JobEvent, lambda event: None, wanted.__contains__)
    before = is_observed(JobClaimed)
    wanted.add(JobClaimed)
    meanwhile = is_observed(JobClaimed), is_observed(JobSucceeded)
    stop()

    assert (False, (True, False), False) == (before, meanwhile, is_observed(JobClaimed))


def test_an_event_cannot_be_changed_by_its_listeners() -> None:
    with pytest.raises(FrozenInstanceError):
        SKIPPED.reason = "mine"  # type: ignore[misc]  # refused at run time too


@pytest.mark.parametrize(
    "outcome, status, kinds",
    [
        (Outcome.SUCCEEDED, JobStatus.SUCCEEDED, [JobSucceeded]),
        (Outcome.FAILED, JobStatus.SCHEDULED, [JobRetried]),
        (Outcome.TIMED_OUT, JobStatus.QUEUED, [JobRetried]),
        (Outcome.FAILED, JobStatus.FAILED, [JobFailed]),
        (Outcome.LOST, JobStatus.QUEUED, [JobLost]),
        (Outcome.LOST, JobStatus.FAILED, [JobLost, JobFailed]),
        (Outcome.INTERRUPTED, JobStatus.QUEUED, [JobInterruptedEvent]),
        (Outcome.SNOOZED, JobStatus.SCHEDULED, [JobSnoozed]),
    ],
)
def test_the_events_of_a_settlement_depend_on_the_outcome_and_the_status(
    outcome: Outcome, status: JobStatus, kinds: list[type[Event]]
) -> None:
    assert kinds == list(settlement_events(outcome, status))


async def _coroutine(event: Event) -> None: ...


def _generator(event: Event) -> Iterator[None]:
    yield


async def _async_generator(event: Event) -> AsyncIterator[None]:
    yield


class _Awaited:
    async def __call__(self, event: Event) -> None: ...

    async def method(self, event: Event) -> None: ...


@pytest.mark.parametrize(
    "function",
    [
        *(_coroutine, _generator, _async_generator, _Awaited(), _Awaited().method),
        *(
            partial(_coroutine),
            partial(partial(_Awaited())),
            partial(_Awaited().method),
            "no",
            None,
        ),
    ],
)
def test_a_listener_whose_code_would_never_run_is_refused(function: Any) -> None:
    with pytest.raises(InvalidOption, match="function"):
        listen("job.failed", function)
