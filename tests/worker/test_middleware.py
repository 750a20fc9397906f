"""Middleware wraps the call of a task inside its job, in each kind of worker."""

from typing import Any

import pytest

from pgqueue.client.client import Client

TASKS = ("in_greenlet", "in_coroutine", "in_process")


@pytest.fixture(autouse=True)
def _tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGQUEUE_TEST_TASKS", "shop.wrapped_tasks")


def test_middleware_sees_the_job_and_decides_result_error_and_time(
    client: Client, burst: Any
) -> None:
    jobs = {
        (name, mode): client.enqueue(f"shop.wrapped_tasks.{name}", {"mode": mode}, timeout=timeout)
        for name in TASKS
        for mode, timeout in (("result", 60), ("raise", 60), ("sleep", 1), ("pass", 60))
    }

    burst("--cpus", "1")

    for name in TASKS:
        wrapped, raised, slept, passed = (
            client.job(jobs[name, mode].id) for mode in ("result", "raise", "sleep", "pass")
        )
        task = f"shop.wrapped_tasks.{name}"
        assert {"result": "done", "is_current": True, "task": task} == wrapped.result
        assert ("failed", "ValueError: raised by the middleware") == (raised.status, raised.error)
        assert ("failed", "timed_out") == (slept.status, slept.attempts()[-1].outcome)
        assert ("succeeded", "done") == (passed.status, passed.result)
