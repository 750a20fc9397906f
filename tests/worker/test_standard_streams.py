"""Jobs run where the standard streams are closed, and where a task writes to the wrong file."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pgqueue.client.client import Client

APP = Path(__file__).parent / "app"


@pytest.mark.parametrize("closed", ["<&- >&-", ">&- 2>&-", "<&- >&- 2>&-", ">&-"])
def test_jobs_that_print_run_where_standard_streams_are_closed(
    client: Client, recorded: None, database_url: str, closed: str
) -> None:
    names = ["prints", "prints_alone", "prints_in_a_coroutine"]
    jobs = [client.enqueue(f"shop.stream_tasks.{name}") for name in names]

    options = ["--burst", "--processes", "1", "--cpus", "1"]
    worker = [sys.executable, "-m", "pgqueue", "worker", *options]

    ended = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *worker],
        cwd=APP,
        env={**os.environ, "PGQUEUE_URL": database_url, "PGQUEUE_TASKS": "shop.stream_tasks"},
        timeout=60,
    )

    assert 0 == ended.returncode
    assert ["succeeded"] * 3 == [client.job(job.id).status for job in jobs]


def test_a_task_that_writes_to_the_channel_ends_its_own_worker_only(
    client: Client, burst: Any, recorded: None
) -> None:
    bad = client.enqueue("shop.stream_tasks.writes_to_all_sockets")
    good = [client.enqueue("shop.tasks.async_nap", {"seconds": 3}) for _ in range(3)]

    burst("--processes", "1", PGQUEUE_TASKS="shop.stream_tasks,shop.tasks")

    assert ("failed", 3) == (client.job(bad.id).status, client.job(bad.id).lost_count)
    for job in good:
        assert ("succeeded", 1) == (client.job(job.id).status, client.job(job.id).attempt)
