"""Each job begins with the context variables of its worker's start."""

from typing import Any

import pytest

from pgqueue import Client

SLOTS = ("--greenlets", "1", "--coroutines", "2", "--cpus", "1")


@pytest.mark.parametrize("name", ["in_greenlet", "in_coroutine", "in_process"])
def test_a_job_sees_no_context_variable_of_another_job(
    client: Client, burst: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("PGQUEUE_TEST_TASKS", "shop.context_tasks")
    jobs = [client.enqueue(f"shop.context_tasks.{name}") for _ in range(8)]

    burst(*SLOTS)

    expected = ["none", "import", "0.3333333"]
    assert [expected] * 8 == [client.job(job.id).result for job in jobs]


def test_what_a_late_import_sets_is_the_start_of_all_later_jobs(
    client: Client, burst: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGQUEUE_TEST_TASKS", "shop.late")
    jobs = [client.enqueue("shop.late.settings.read_and_change") for _ in range(8)]

    burst(*SLOTS)

    assert [["import", "0.333333333"]] * 8 == [client.job(job.id).result for job in jobs]
