"""An event becomes one log line, at its level, on the logger of its noun."""

import logging

import pytest

from pgqueue.core.events.event import Event, emit, is_observed
from pgqueue.core.events.jobs import (
    JobEnqueued,
    JobFailed,
    JobInterruptedEvent,
    JobRescued,
    JobRetried,
    JobStarted,
    JobSucceeded,
    LeaseLostEvent,
)
from pgqueue.core.events.services import LoopFailed, SchemaTooNewEvent, ServiceFailed
from pgqueue.core.events.workers import WorkerStarted
from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.telemetry.event_log import log_event
from pgqueue.telemetry.log_lines import LogLines

BROKEN = ValueError("broken")
LOST = {"job_id": 1, "attempt": 2, "worker_id": 3, "task": "shop.f", "outcome": Outcome.FAILED}
ENDED = {
    **LOST,
    "queue": "default",
    "traceback": "Traceback ...\nKeyError: 'y'\n",
}


@pytest.mark.parametrize(
    "event, logger, level, phrase, fields",
    [
        (
            WorkerStarted(worker_id=3, executor="greenlet", quarantine=False, pid=812),
            "pgqueue.worker",
            logging.INFO,
            "worker started",
            {"worker_id": 3, "executor": "greenlet", "quarantine": False, "pid": 812},
        ),
        (
            JobRescued(job_id=1, attempt=2, task="shop.f", outcome=Outcome.LOST, detail="signal 9"),
            "pgqueue.job",
            logging.WARNING,
            "job rescued",
            {"job_id": 1, "attempt": 2, "task": "shop.f", "outcome": "lost", "detail": "signal 9"},
        ),
        (
            SchemaTooNewEvent(reason="revision 9"),
            "pgqueue.schema",
            logging.ERROR,
            "schema too new",
            {"reason": "revision 9"},
        ),
        (
            LeaseLostEvent(**LOST, was_started=True),
            "pgqueue.lease",
            logging.WARNING,
            "lease lost",
            {"job_id": 1, "was_started": True},
        ),
        (
            LeaseLostEvent(**LOST, was_started=False),
            "pgqueue.lease",
            logging.DEBUG,
            "lease lost",
            {"job_id": 1, "was_started": False},
        ),
        (
            ServiceFailed(service="prune", failures=1, pause_seconds=0.2, reason="gone"),
            "pgqueue.service",
            logging.WARNING,
            "service failed",
            {"service": "prune", "reason": "gone"},
        ),
    ],
    ids=lambda value: value.NAME if isinstance(value, Event) else "",
)
def test_an_event_is_a_line_with_its_level_phrase_logger_and_fields(
    event: Event,
    logger: str,
    level: int,
    phrase: str,
    fields: dict[str, object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        log_event(event)

    [record] = caplog.records
    assert (logger, level, phrase) == (record.name, record.levelno, record.message)
    assert fields == {name: vars(record)[name] for name in fields}
    assert not record.exc_info


@pytest.mark.parametrize(
    "event",
    [
        ServiceFailed(service="prune", failures=1, pause_seconds=0.2, error=BROKEN),
        LoopFailed(loop="finisher", failures=1, pause_seconds=0.2, error=BROKEN),
    ],
    ids=lambda event: event.NAME,
)
def test_the_error_of_an_event_is_logged_with_its_traceback(
    event: Event, caplog: pytest.LogCaptureFixture
) -> None:
    log_event(event)

    [record] = caplog.records
    assert logging.ERROR == record.levelno
    assert record.exc_info and record.exc_info[1] is BROKEN
    assert "error" not in vars(record)


def test_an_event_without_a_log_line_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        emit(JobEnqueued(task="shop.f", queue="default"))

    assert [] == caplog.records


def test_the_log_makes_no_event_necessary_whose_line_is_off(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, "pgqueue.job"):
        at_info = is_observed(JobSucceeded), is_observed(JobStarted), is_observed(JobFailed)
    with caplog.at_level(logging.DEBUG, "pgqueue.job"):
        at_debug = is_observed(JobSucceeded), is_observed(JobStarted), is_observed(JobEnqueued)

    assert (False, False, True) == at_info
    assert (True, True, False) == at_debug


def test_the_traceback_of_a_failed_job_stands_below_its_line_in_every_format(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log_event(JobFailed(**ENDED, status=JobStatus.FAILED))

    [record] = caplog.records
    assert "traceback" not in vars(record)
    for formatter in (logging.Formatter("%(message)s"), LogLines()):
        lines = formatter.format(record).splitlines()
        assert "KeyError: 'y'" == lines[-1].strip() and 3 == len(lines)


def test_a_retry_has_one_line(caplog: pytest.LogCaptureFixture) -> None:
    log_event(JobRetried(**ENDED, status=JobStatus.QUEUED))

    [record] = caplog.records
    assert "job retried" == logging.Formatter("%(message)s").format(record)


def test_an_attempt_that_never_started_is_returned_at_debug(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        for run_seconds in (None, 0.5):
            ended = {**ENDED, "outcome": Outcome.INTERRUPTED, "run_seconds": run_seconds}
            log_event(JobInterruptedEvent(**ended, status=JobStatus.QUEUED))

    assert [logging.DEBUG, logging.INFO] == [record.levelno for record in caplog.records]
