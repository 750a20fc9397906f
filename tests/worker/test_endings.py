"""A job that ends the loop, its tasks or the main greenlet ends none of its neighbours."""

from pathlib import Path
from typing import Any

import pytest

from pgqueue import Client

COROUTINES = [
    ("exits_in_a_child", "failed"),
    ("exits_soon", "succeeded"),
    ("interrupts_in_a_callback", "succeeded"),
    ("exits_in_a_handler", "failed"),
    ("stops_the_loop", "succeeded"),
    ("cancels_all", "succeeded"),
    ("cancels_all_and_itself", "failed"),
    ("waits_for_all", "succeeded"),
    ("cancels_all_later", "succeeded"),
    ("cancels_all_from_a_thread", "succeeded"),
    ("cancels_itself", "failed"),
]
GREENLETS = [("exits_in_a_greenlet", "succeeded"), ("interrupts_in_a_greenlet", "succeeded")]


@pytest.mark.parametrize(
    ("rests", "ends", "status"),
    [
        *(("rests", *ending) for ending in COROUTINES),
        *(("rests_in_a_greenlet", *ending) for ending in GREENLETS),
    ],
)
def test_the_neighbours_of_a_job_that_ends_everything_go_on(
    client: Client,
    fleet: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    rests: str,
    ends: str,
    status: str,
) -> None:
    monkeypatch.setenv("PGQUEUE_TEST_TASKS", "shop.ending_tasks")
    path = tmp_path / "go on"
    workers = fleet("--coroutines", "9", "--greenlets", "9")
    naps = [client.enqueue(f"shop.ending_tasks.{rests}", {"path": str(path)}) for _ in range(5)]
    workers.until(Path(f"{path}.rests").exists, "the neighbours run")

    ending = client.enqueue(f"shop.ending_tasks.{ends}")
    workers.until(lambda: client.job(ending.id).finished_at is not None, "the job has ended")
    after = client.enqueue(f"shop.ending_tasks.{ends}")
    workers.until(
        lambda: client.job(after.id).finished_at is not None, "the worker takes another job"
    )
    path.touch()

    for nap in naps:
        workers.until(
            lambda nap=nap: client.job(nap.id).finished_at is not None, "the neighbours end"
        )
    assert [status] * 2 == [client.job(job.id).status for job in (ending, after)]
    assert [("succeeded", "rested", 0, 0)] * 5 == [
        (job.status, job.result, job.failure_count, job.lost_count)
        for job in (client.job(nap.id) for nap in naps)
    ]
    assert [(0,)] == workers.rows(
        "select count(*) from pgqueue.workers where stopped_at is not null"
    )
