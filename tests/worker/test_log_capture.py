"""Lines that a job logs are kept, however the application sets up logging."""

from typing import Any

import pytest

from pgqueue import Client

LINES = [
    ("pgqueue.job", "by the job"),
    ("shop.logging", "by the module"),
    ("shop.alone", "without propagation"),
]


def _lines(client: Client, job: Any) -> list[tuple[str, str]]:
    return [(line.logger, line.message) for line in client.logs(job.id)]


@pytest.mark.parametrize("how", ["dict", "file", "basic", "handlers"])
@pytest.mark.parametrize(
    ("first", "later"),
    [("sets_up_in_greenlet", "logs"), ("sets_up_in_process", "logs_in_process")],
)
def test_lines_are_kept_and_printed_after_a_job_has_set_up_logging(
    client: Client, burst: Any, monkeypatch: pytest.MonkeyPatch, first: str, later: str, how: str
) -> None:
    monkeypatch.setenv("PGQUEUE_TEST_TASKS", "shop.logging_tasks")
    jobs = [client.enqueue(f"shop.logging_tasks.{first}", {"how": how})]
    jobs += [client.enqueue(f"shop.logging_tasks.{later}") for _ in range(2)]

    supervisor = burst("--greenlets", "1", "--processes", "1")

    assert [LINES] * 3 == [_lines(client, job) for job in jobs]
    printed = supervisor.errors.decode()
    assert 3 == printed.count("APP pgqueue.job: by the job")
    assert 3 == printed.count("APP shop.logging: by the module")


def test_lines_are_kept_and_printed_after_a_module_has_set_up_logging(
    client: Client, burst: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGQUEUE_TEST_TASKS", "shop.configured_tasks")
    job = client.enqueue("shop.configured_tasks.logs_after_import")

    supervisor = burst()

    assert LINES == _lines(client, job)
    assert "APP pgqueue.job: by the job" in supervisor.errors.decode()


def test_a_line_keeps_its_stack_and_the_text_of_its_exception(
    client: Client, burst: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGQUEUE_TEST_TASKS", "shop.logging_tasks")
    job = client.enqueue("shop.logging_tasks.logs_where_it_stands")

    burst()

    [(_, here), received] = _lines(client, job)
    assert here.startswith("here\nStack (most recent call last):\n")
    assert "stack_info=True)" in here
    assert ("elsewhere", "from another process\nKeyError: 'there'") == received
