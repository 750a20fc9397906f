"""Jobs that wait in a blocked worker run elsewhere, and once."""

from pathlib import Path
from typing import Any

import pytest

from pgqueue.client.client import Client
from pgqueue.store.connection.link import Link

WAITERS = 12


@pytest.mark.parametrize(
    ("blocking", "waiting"),
    [("spin_until", "greet_once"), ("async_spin_until", "async_greet_once")],
)
def test_jobs_behind_a_job_that_never_yields_run_elsewhere_once(
    client: Client,
    fleet: Any,
    recorded: None,
    link: Link,
    tmp_path: Path,
    blocking: str,
    waiting: str,
) -> None:
    go, ran = tmp_path / "go", tmp_path / "ran"
    spinning = client.enqueue(f"shop.hard_tasks.{blocking}", {"path": str(go)})
    jobs = [
        client.enqueue(f"shop.hard_tasks.{waiting}", {"path": str(ran)}) for _ in range(WAITERS)
    ]
    tasks = {"PGQUEUE_TASKS": "shop.tasks,shop.hard_tasks"}
    first = fleet("--greenlets", "20", **tasks)
    first.until(lambda: client.count(status="running") == 1 + WAITERS, "one worker has claimed all")

    fleet("--greenlets", "20", **tasks)

    first.until(lambda: client.count(status="succeeded") == WAITERS, "the others ran")
    assert "running" == client.job(spinning.id).status
    go.touch()
    first.until(lambda: client.job(spinning.id).status == "succeeded", "it ended")
    after = client.enqueue(f"shop.hard_tasks.{waiting}", {"path": str(ran)})
    first.until(lambda: client.job(after.id).status == "succeeded", "work goes on")
    assert WAITERS + 1 == len(ran.read_text().splitlines())
    for job in map(client.job, [job.id for job in jobs]):
        reclaimed, done = job.attempts()
        assert ("interrupted", "NotStarted", None) == (
            reclaimed.outcome, reclaimed.error_type, reclaimed.started_at,
        )  # fmt: skip
        assert f"behind job {spinning.id}" in str(reclaimed.error_message)
        assert ("succeeded", 0, 0) == (done.outcome, job.failure_count, job.lost_count)
