"""An event becomes one log line, at its level, on the logger of its noun."""

import logging
import subprocess
import sys

import pytest

from pgqueue.core.events.catalog import EVENTS
from pgqueue.core.events.event import Event, LoggedEvent, emit, is_observed
from pgqueue.core.events.jobs import JobRescued, JobSucceeded, LeaseLostEvent
from pgqueue.core.events.services import LoopFailed, SchemaTooNewEvent, ServiceFailed
from pgqueue.core.events.workers import WorkerStarted
from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.telemetry.event_log import log_event

BROKEN = ValueError("broken")
LOST = {"job_id": 1, "attempt": 2, "worker_id": 3, "outcome": Outcome.FAILED}


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
            JobRescued(job_id=1, attempt=2, outcome=Outcome.LOST, detail="signal 9"),
            "pgqueue.job",
            logging.WARNING,
            "job rescued",
            {"job_id": 1, "attempt": 2, "outcome": "lost", "detail": "signal 9"},
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
        emit(
            JobSucceeded(
                job_id=1,
                attempt=1,
                worker_id=1,
                task="shop.f",
                queue="default",
                outcome=Outcome.SUCCEEDED,
                status=JobStatus.SUCCEEDED,
            )
        )

    assert [] == caplog.records


def test_the_log_makes_no_event_necessary_that_has_no_line() -> None:
    unlogged = [kind for kind in EVENTS if not issubclass(kind, LoggedEvent)]

    assert JobSucceeded in unlogged
    assert not is_observed(*unlogged)


def test_setting_up_the_lines_prints_events() -> None:
    code = (
        "from pgqueue.core.events.event import emit\n"
        "from pgqueue.core.events.workers import SupervisorStopped\n"
        "from pgqueue.telemetry.log_lines import set_up\n"
        "set_up('INFO')\n"
        "set_up('INFO')\n"
        "emit(SupervisorStopped(supervisor_id=2))\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    [line] = done.stderr.splitlines()
    assert line.endswith("INFO    supervisor stopped  supervisor_id=2")
