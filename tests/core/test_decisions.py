"""The exceptions that decide an outcome, and those that are raised into a task."""

from datetime import timedelta

import pytest

from pgqueue.core.decisions import (
    CancelJob,
    JobCancelled,
    JobInterrupted,
    JobTimeout,
    RetryJob,
    SnoozeJob,
)
from pgqueue.core.errors import InvalidOption
from pgqueue.core.values.failure import type_text


def test_decisions_carry_their_delay_in_seconds():
    assert 5.0 == RetryJob(delay=5).delay
    assert RetryJob("busy").delay is None
    assert 60.0 == SnoozeJob(timedelta(minutes=1)).delay
    assert "busy" == str(RetryJob("busy")) == str(SnoozeJob(1, reason="busy"))
    assert "done by hand" == CancelJob("done by hand").reason


def test_a_decision_with_a_bad_delay_is_refused():
    with pytest.raises(InvalidOption, match="delay=-1"):
        SnoozeJob(-1)


@pytest.mark.parametrize("kind", [JobTimeout, JobCancelled, JobInterrupted])
def test_an_exception_that_is_raised_into_a_task_passes_by_except_exception(kind):
    assert not issubclass(kind, Exception)


@pytest.mark.parametrize(
    "kind", [RetryJob, SnoozeJob, CancelJob, JobTimeout, JobCancelled, JobInterrupted]
)
def test_the_stored_type_of_a_decision_is_its_name_alone(kind):
    assert kind.__name__ == type_text(kind.__new__(kind))
