"""Options of tasks and calls are refused before anything is sent."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from pgqueue.core.errors import InvalidOption
from pgqueue.core.options import (
    CALL_OPTIONS,
    TASK_OPTIONS,
    UNSET,
    CallOptions,
    TaskOptions,
    check_names,
)
from pgqueue.core.retry import Retry


def test_the_defaults_are_those_of_the_contract():
    assert {
        "queue": "default",
        "priority": 0,
        "executor": "greenlet",
        "delivery": "at_least_once",
        "max_attempts": 1,
        "backoff": "exponential",
        "backoff_base_seconds": 2.0,
        "backoff_max_seconds": 3600.0,
        "backoff_jitter": True,
        "timeout_seconds": 3600.0,
        "keep_seconds": 86_400.0,
        "tags": (),
    } == TaskOptions().columns()


def test_a_call_gives_only_the_columns_that_it_changes():
    call = CallOptions(timeout=None, run_after=timedelta(minutes=5), retry=Retry(2), tags=["a"])

    assert {
        "timeout_seconds": None,
        "run_after": 300.0,
        "tags": ("a",),
        **Retry(2).columns(),
    } == call.columns()
    assert {} == CallOptions().columns()


def test_an_aware_moment_stays_as_it_is():
    moment = datetime(2030, 1, 1, tzinfo=UTC)

    assert {"run_after": moment} == CallOptions(run_after=moment).columns()


BEYOND = [
    *(
        datetime.max.replace(tzinfo=timezone(timedelta(hours=hours)))
        for hours in (-23, -12, 0, 12, 23)
    ),
    *(datetime.min.replace(tzinfo=timezone(timedelta(hours=hours))) for hours in (-12, 0, 12)),
    datetime.max.replace(tzinfo=ZoneInfo("Asia/Tokyo")),
    datetime(9999, 12, 30, 0, 0, 1, tzinfo=UTC),
]
"""Moments that Python holds, and PostgreSQL or Python in UTC does not."""


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("name", ""),
        ("name", "n" * 501),
        ("name", "a\0b"),
        ("aliases", "old.path"),
        ("aliases", ["ok", 3]),
        ("queue", ""),
        ("queue", "q" * 201),
        ("queue", "mail/"),
        ("queue", "ma\nil"),
        ("queue", "\ud800"),
        ("queue", None),
        ("priority", 101),
        ("priority", -101),
        ("priority", True),
        ("priority", 1.5),
        ("timeout", 0),
        ("timeout", -1),
        ("timeout", timedelta(days=400)),
        ("timeout", float("nan")),
        ("timeout", True),
        ("timeout", 10**400),
        ("retry", 5),
        ("delivery", "exactly_once"),
        ("executor", "thread"),
        ("keep", -1),
        ("keep", timedelta.max),
        ("timeout", timedelta.max),
        ("tags", "one"),
        ("tags", ["t"] * 51),
        ("redact", [""]),
    ],
)
def test_a_bad_option_of_a_task_is_refused_by_its_name(option, value):
    with pytest.raises(InvalidOption) as caught:
        TaskOptions(**{option: value})

    assert option == caught.value.option


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("queue", "mail/"),
        ("priority", 1000),
        ("run_after", datetime(2030, 1, 1)),
        ("run_after", -1),
        ("run_after", "tomorrow"),
        ("run_after", timedelta.max),
        ("run_after", timedelta.min),
        ("run_after", float("inf")),
        *(("run_after", moment) for moment in BEYOND),
        ("expires_after", timedelta.max),
        ("expires_after", float("nan")),
        ("timeout", timedelta.max),
        ("timeout", "30"),
        ("retry", None),
        ("expires_after", 0),
        ("tags", [1]),
    ],
)
def test_a_bad_option_of_a_call_is_refused_by_its_name(option, value):
    with pytest.raises(InvalidOption) as caught:
        CallOptions(**{option: value})

    assert option == caught.value.option


@pytest.mark.parametrize(
    "moment",
    [
        datetime(9999, 12, 30, tzinfo=UTC),
        datetime(1, 1, 2, tzinfo=UTC),
        datetime(2030, 1, 1, tzinfo=timezone(timedelta(hours=23, minutes=59))),
        datetime(2030, 1, 1, tzinfo=timezone(timedelta(microseconds=1))),
        datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
    ],
    ids=str,
)
def test_a_moment_is_stored_in_utc(moment):
    stored = CallOptions(run_after=moment).run_after

    assert moment.astimezone(UTC) == stored
    assert UTC is stored.tzinfo


def test_a_job_that_must_not_start_twice_takes_no_retry():
    with pytest.raises(InvalidOption, match="at_most_once"):
        TaskOptions(delivery="at_most_once", retry=Retry(2))


def test_a_misspelt_option_is_named_with_what_was_meant():
    with pytest.raises(InvalidOption, match="Did you mean 'queue'"):
        check_names(TASK_OPTIONS, {"qeue": "mail"})


def test_an_option_of_a_later_release_says_so():
    with pytest.raises(InvalidOption, match="this release does not have that option yet"):
        check_names(CALL_OPTIONS, {"unique_key": "x"})


def test_unset_tells_itself_apart_from_none():
    assert UNSET is CallOptions().timeout
    assert "UNSET" == repr(UNSET)
