"""What a job leaves behind does not hold the stop of its worker."""

import signal
import time
from pathlib import Path
from typing import Any

import pytest

from pgqueue.client.client import Client

_GRACE_SECONDS = 40


@pytest.fixture(autouse=True)
def _tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGQUEUE_TEST_TASKS", "shop.leftover_tasks")


@pytest.mark.parametrize(
    "name, what",
    [
        ("leaves", "thread"),
        ("leaves", "process"),
        ("leaves_alone", "thread"),
        ("leaves_alone", "pool"),
        ("leaves_alone", "atexit"),
        ("leaves_in_a_loop", "thread"),
        ("leaves_in_a_loop", "call"),
        ("leaves_in_a_loop", "generator"),
        ("leaves_in_a_loop", "task"),
    ],
)
def test_a_worker_stops_as_soon_as_everything_is_recorded(
    client: Client, fleet: Any, recorded: None, name: str, what: str
) -> None:
    job = client.enqueue(f"shop.leftover_tasks.{name}", {"what": what})
    workers = fleet("--processes", "1", "--grace", str(_GRACE_SECONDS))
    workers.until(lambda: client.job(job.id).status == "succeeded", "succeeded")
    signalled_at = time.monotonic()

    workers.signal(signal.SIGTERM)

    assert 0 == workers.wait()
    assert time.monotonic() - signalled_at < _GRACE_SECONDS / 2
    assert [(0,)] == workers.rows(
        "select count(*) from pgqueue.workers where stop_detail not like '%%exited with code 0%%'"
    )


def test_functions_of_atexit_run_at_the_end_of_a_worker(
    client: Client, burst: Any, recorded: None, tmp_path: Path
) -> None:
    client.enqueue("shop.leftover_tasks.writes_at_exit", {"path": str(tmp_path / "file")})

    burst()

    assert "ran" == (tmp_path / "file").read_text()
