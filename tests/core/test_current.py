"""The running job: found inside a task, acting through what the worker gave it."""

import logging
import threading
from datetime import timedelta

import pytest

from pgqueue.core.current import (
    CancelJob,
    JobCancelled,
    JobContext,
    JobInterrupted,
    JobTimeout,
    RetryJob,
    SnoozeJob,
    current_job,
    enter,
    find_current_job,
    leave,
)
from pgqueue.core.errors import InvalidOption, NoCurrentJob


class Worker:
    """Stands where a worker stands, and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def context(self):
        return JobContext(id=812, attempt=2, task="shop.f", args={"n": 1}, host=self)

    def progress(self, fraction, message):
        self.asked.append((fraction, message))

    def should_stop(self):
        return True

    def complete(self, connection, result):
        self.asked.append((connection, result))

    async def acomplete(self, connection, result):
        self.asked.append(("awaited", connection, result))


def test_outside_a_task_there_is_no_current_job():
    assert find_current_job() is None
    with pytest.raises(NoCurrentJob, match="inside a task"):
        current_job()


def test_the_current_job_is_the_one_entered_until_it_is_left():
    context = Worker().context()

    token = enter(context)
    inside = current_job()
    leave(token)

    assert context is inside
    assert find_current_job() is None


def test_a_thread_of_the_task_has_no_current_job():
    seen = []
    token = enter(Worker().context())

    thread = threading.Thread(target=lambda: seen.append(find_current_job()))
    thread.start()
    thread.join()
    leave(token)

    assert [None] == seen


def test_the_verbs_reach_the_worker():
    worker = Worker()
    job = worker.context()

    job.progress(1)
    job.progress(0.5, "half")
    job.complete(connection="mine", result=7)

    assert [(1.0, ""), (0.5, "half"), ("mine", 7)] == worker.asked
    assert job.should_stop()


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan"), 10**400, "half", None])
def test_progress_takes_a_fraction_only(fraction):
    with pytest.raises(InvalidOption):
        Worker().context().progress(fraction)


def test_a_message_of_progress_is_made_storable_and_short():
    worker = Worker()

    worker.context().progress(0, "a\0b" + "c" * 2_000)

    [(_, message)] = worker.asked
    assert message.startswith("a\ufffdbccc")
    assert 1_000 == len(message.encode())


def test_a_message_of_progress_is_text():
    with pytest.raises(InvalidOption, match=r"^message=<object> is refused: it takes text\.$"):
        Worker().context().progress(0, object())


def test_log_lines_carry_the_job(caplog):
    with caplog.at_level(logging.INFO, "pgqueue.job"):
        Worker().context().log.info("rendering %s", "welcome", extra={"template": "x"})

    [record] = caplog.records
    assert "rendering welcome" == record.message
    assert (812, 2, "shop.f", "x") == (
        record.job_id,
        record.attempt,
        record.task,
        record.template,
    )


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
def test_what_is_raised_into_a_task_passes_by_except_exception(kind):
    assert not issubclass(kind, Exception)
