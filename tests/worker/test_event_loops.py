"""Event loops that jobs run themselves, beside other jobs of one greenlet worker."""

from typing import Any

import pytest

from pgqueue import Client

NUMBERS = [0, 1, 2, 3]


@pytest.fixture(autouse=True)
def _tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGQUEUE_TEST_TASKS", "shop.loop_tasks")


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("runs", [NUMBERS, True]),
        ("runs_in_a_thread", [NUMBERS, NUMBERS, NUMBERS]),
        ("runs_by_asgiref", [NUMBERS, "rows"]),
    ],
)
def test_jobs_of_one_worker_run_event_loops_at_the_same_time(
    client: Client, burst: Any, name: str, result: Any
) -> None:
    looping = [client.enqueue(f"shop.loop_tasks.{name}") for _ in range(4)]
    plain = [client.enqueue("shop.loop_tasks.runs_no_loop") for _ in range(4)]

    burst("--greenlets", "8")

    assert [result] * 4 == [client.job(job.id).result for job in looping]
    assert ["rows"] * 4 == [client.job(job.id).result for job in plain]
