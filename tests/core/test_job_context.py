"""The running job: `current_job()` returns it inside a task, and its verbs reach the worker."""

import logging
import threading

import pytest

from pgqueue.core.errors import InvalidOption, NoCurrentJob
from pgqueue.core.job_context import (
    JobContext,
    current_job,
    enter,
    find_current_job,
    leave,
    redact,
)


class Recorder:
    """A host that records the calls that it gets."""

    def __init__(self):
        self.calls = []

    def context(self, **options):
        return JobContext(id=812, attempt=2, task="shop.f", args={"n": 1}, host=self, **options)

    def progress(self, fraction, message):
        self.calls.append((fraction, message))

    def should_stop(self):
        return True

    def complete(self, connection, result):
        self.calls.append((connection, result))

    async def acomplete(self, connection, result):
        self.calls.append(("awaited", connection, result))


def test_outside_a_task_there_is_no_current_job():
    assert find_current_job() is None
    with pytest.raises(NoCurrentJob, match="inside a task"):
        current_job()


def test_the_current_job_is_the_one_entered_until_it_is_left():
    context = Recorder().context()

    token = enter(context)
    inside = current_job()
    leave(token)

    assert context is inside
    assert find_current_job() is None


def test_a_thread_of_the_task_has_no_current_job():
    seen = []
    token = enter(Recorder().context())

    thread = threading.Thread(target=lambda: seen.append(find_current_job()))
    thread.start()
    thread.join()
    leave(token)

    assert [None] == seen


def test_the_verbs_reach_the_worker():
    host = Recorder()
    job = host.context()

    job.progress(1)
    job.progress(0.5, "half")
    job.complete(connection="mine", result=7)

    assert [(1.0, ""), (0.5, "half"), ("mine", 7)] == host.calls
    assert job.should_stop()


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan"), 10**400, "half", None])
def test_progress_takes_a_fraction_only(fraction):
    with pytest.raises(InvalidOption):
        Recorder().context().progress(fraction)


def test_a_message_of_progress_is_made_storable_and_short():
    host = Recorder()

    host.context().progress(0, "a\0b" + "c" * 2_000)

    [(_, message)] = host.calls
    assert message.startswith("a\ufffdbccc")
    assert 1_000 == len(message.encode())


def test_a_message_of_progress_is_text():
    with pytest.raises(InvalidOption, match=r"^message=<object> is refused: it takes text\.$"):
        Recorder().context().progress(0, object())


def test_log_lines_carry_the_job(caplog):
    with caplog.at_level(logging.INFO, "pgqueue.job"):
        Recorder().context().log.info("rendering %s", "welcome", extra={"template": "x"})

    [record] = caplog.records
    assert "rendering welcome" == record.message
    assert (812, 2, "shop.f", "x") == (
        record.job_id,
        record.attempt,
        record.task,
        record.template,
    )


def test_text_about_the_running_job_leaves_its_secrets_out():
    token = enter(Recorder().context(secrets=["4111 1111"]))
    inside = redact("card 4111 1111")
    leave(token)

    assert "card [redacted]" == inside
    assert "card 4111 1111" == redact("card 4111 1111")
