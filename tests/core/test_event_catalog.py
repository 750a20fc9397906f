"""Every event is in the catalog, is public, and can be logged."""

import logging
from dataclasses import fields

import pytest

import pgqueue
from pgqueue import events
from pgqueue.core import decisions, errors
from pgqueue.core.events.catalog import EVENTS
from pgqueue.core.events.event import Event

CONTRACT = [
    "job.enqueued",
    "job.claimed",
    "job.started",
    "job.retried",
    "job.succeeded",
    "job.failed",
    "job.cancelled",
    "job.lost",
    "job.interrupted",
    "worker.started",
    "worker.stopped",
    "worker.lost",
    "lease.lost",
    "service.failed",
]

RECORD_ATTRIBUTES = {*vars(logging.makeLogRecord({})), "message", "asctime"}


def test_every_event_of_the_contract_exists() -> None:
    assert set() == set(CONTRACT) - {kind.NAME for kind in EVENTS}


def test_no_two_events_have_one_name() -> None:
    names = [kind.NAME for kind in EVENTS]

    assert sorted(set(names)) == sorted(names)


def test_every_event_is_a_public_class_of_the_module_events() -> None:
    public = {getattr(events, name) for name in events.__all__}

    assert set(EVENTS) == {kind for kind in public if kind.NAME}
    assert pgqueue.events is events


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.NAME)
def test_no_field_of_an_event_is_named_like_an_attribute_of_a_log_record(
    kind: type[Event],
) -> None:
    assert set() == {field.name for field in fields(kind)} & RECORD_ATTRIBUTES


def test_a_listener_of_a_public_class_receives_its_events() -> None:
    received: list[events.JobSkipped] = []
    stop = pgqueue.listen(events.JobSkipped, received.append)

    from pgqueue.core.events.event import emit

    emit(events.JobSkipped(job_id=1, reason="a trigger"))
    stop()

    assert [events.JobSkipped(job_id=1, reason="a trigger")] == received


def test_no_event_class_has_the_name_of_another_public_class() -> None:
    names = {kind.__name__ for kind in EVENTS}

    assert set() == names & {*pgqueue.__all__, *vars(errors), *vars(decisions)}
