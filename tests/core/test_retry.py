"""The retry policy: its bounds, its columns, and which exceptions count."""

from datetime import timedelta
from typing import Any

import pytest

from pgqueue.core.decisions import JobTimeout
from pgqueue.core.errors import InvalidOption
from pgqueue.core.exception_leaves import leaves
from pgqueue.core.retry import Retry


def test_a_policy_is_stored_as_columns():
    retry = Retry(5, backoff="linear", base=timedelta(minutes=1), max_delay=600, jitter=False)

    assert {
        "max_attempts": 5,
        "backoff": "linear",
        "backoff_base_seconds": 60.0,
        "backoff_max_seconds": 600.0,
        "backoff_jitter": False,
    } == retry.columns()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("max_attempts", 0),
        ("max_attempts", 10_001),
        ("max_attempts", True),
        ("max_attempts", 2.0),
        ("backoff", "quadratic"),
        ("base", -1),
        ("base", float("nan")),
        ("base", "2"),
        ("max_delay", float("inf")),
        ("max_delay", timedelta(days=367)),
        ("jitter", 1),
        ("on", "ValueError"),
        ("on", (ValueError, "KeyError")),
        ("not_on", int),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_option(option, value):
    with pytest.raises(InvalidOption) as caught:
        Retry(**{"max_attempts": 3, option: value})

    assert option == caught.value.option


def test_exceptions_count_as_the_policy_says():
    retry = Retry(3, on=OSError, not_on=(FileNotFoundError,))

    assert retry.is_retryable(ConnectionError())
    assert not retry.is_retryable(FileNotFoundError())
    assert not retry.is_retryable(ValueError())
    assert not retry.is_retryable(SystemExit())


def test_a_timeout_counts_whatever_the_policy_names():
    assert Retry(3, on=(OSError,)).is_retryable(JobTimeout())


def _group(*errors: BaseException) -> BaseException:
    return BaseExceptionGroup("children", [BaseExceptionGroup("nested", errors)])


@pytest.mark.parametrize(
    ("retry", "errors", "expected"),
    [
        (Retry(3), (ValueError(), KeyError()), True),
        (Retry(3), (ValueError(), SystemExit()), False),
        (Retry(3, on=ConnectionError), (ConnectionResetError(), ConnectionError()), True),
        (Retry(3, on=ConnectionError), (ConnectionError(), ValueError()), False),
        (Retry(3, not_on=ValueError), (KeyError(), ValueError()), False),
        (Retry(3, not_on=ValueError), (KeyError(),), True),
        (Retry(3, on=ConnectionError), (ConnectionError(), JobTimeout()), True),
        (Retry(3, on=BaseExceptionGroup), (ValueError(),), True),
        (Retry(3, not_on=BaseExceptionGroup), (ValueError(),), False),
    ],
)
def test_a_group_of_exceptions_is_retried_if_each_of_them_is(
    retry: Retry, errors: tuple[BaseException, ...], expected: bool
) -> None:
    assert expected is retry.is_retryable(_group(*errors))


def test_a_group_of_very_many_exceptions_counts_as_one_exception() -> None:
    group = ExceptionGroup("children", [ValueError()] * 2_000)

    assert [group] == leaves(group)
    assert Retry(3).is_retryable(group)
    assert not Retry(3, on=ValueError).is_retryable(group)


def test_a_group_that_breaks_its_reader_is_read_all_the_same() -> None:
    class Spiteful(ExceptionGroup[ValueError]):
        @property
        def exceptions(self) -> Any:
            raise RuntimeError("do not read")

    assert Retry(3, on=ValueError).is_retryable(Spiteful("children", [ValueError()]))
