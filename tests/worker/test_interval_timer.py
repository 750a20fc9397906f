"""Tasks may use the interval timer and its signal; the timeouts of jobs do not depend on them."""

from typing import Any

import pytest

from pgqueue.client.client import Client


@pytest.mark.parametrize("kind", ["", "_alone", "_in_a_coroutine"])
def test_a_timeout_holds_beside_a_job_that_uses_the_interval_timer(
    client: Client, burst: Any, recorded: None, kind: str
) -> None:
    names = [f"sleeps{kind}", f"uses_the_interval_timer{kind}", f"sleeps{kind}"]
    jobs = [client.enqueue(f"shop.timer_tasks.{name}") for name in names]

    done = burst("--processes", "1", PGQUEUE_TASKS="shop.timer_tasks")

    attempts = [job.attempts()[-1] for job in jobs]
    assert ["timed_out", "succeeded", "timed_out"] == [one.outcome for one in attempts]
    assert ["JobTimeout", None, "JobTimeout"] == [one.error_type for one in attempts]
    assert "of the decorator" == client.job(jobs[1].id).result
    assert [] == done.rows("select stop_detail from pgqueue.workers where stop_reason = 'overdue'")
