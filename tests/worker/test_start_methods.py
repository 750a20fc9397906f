"""A task may start a process by any start method of `multiprocessing` that does not fork it."""

from typing import Any

from pgqueue.client.client import Client

TASKS = ("in_greenlet", "in_coroutine", "in_process")
METHODS = ("spawn", "forkserver")


def test_a_task_starts_a_process_by_spawn_and_by_a_forkserver(client: Client, burst: Any) -> None:
    jobs = {
        (name, method): client.enqueue(f"shop.start_tasks.{name}", {"method": method}, timeout=60)
        for name in TASKS
        for method in METHODS
    }

    burst(PGQUEUE_TASKS="shop.start_tasks")

    assert dict.fromkeys(jobs, ("succeeded", 7)) == {
        key: (client.job(job.id).status, client.job(job.id).result) for key, job in jobs.items()
    }
