"""A job that ends its worker is stopped, and its neighbours finish all the same."""

from typing import Any

import pytest

from pgqueue.client.client import Client

CAUSES = {
    "die_always": "signal 9 (SIGKILL)",
    "async_die_always": "signal 9 (SIGKILL)",
    "process_die_always": "signal 9 (SIGKILL)",
    "read_address_zero": "signal 11 (SIGSEGV)",
    "leave": "exited with code 3",
}


@pytest.mark.parametrize("task", CAUSES)
def test_a_job_that_ends_its_worker_is_tried_three_times_and_says_why(
    client: Client, burst: Any, recorded: None, task: str
) -> None:
    job = client.enqueue(f"shop.tasks.{task}")

    burst()

    row = client.job(job.id)
    assert ("failed", 3, 3, 0) == (row.status, row.attempt, row.lost_count, row.failure_count)
    assert ["lost"] * 3 == [attempt.outcome for attempt in row.attempts()]
    assert row.error is not None
    assert CAUSES[task] in row.error
    assert "its largest memory was" in row.error


def test_jobs_lost_with_a_worker_twice_finish_while_the_third_try_is_alone(
    client: Client, burst: Any, recorded: None, link: Any
) -> None:
    neighbours = [client.enqueue("shop.tasks.nap_twice") for _ in range(20)]
    poison = client.enqueue("shop.tasks.die_with_company", {"company": 20})

    burst("--greenlets", "25")

    assert "failed" == client.job(poison.id).status
    assert {("succeeded", 3)} == {
        (client.job(job.id).status, client.job(job.id).attempt) for job in neighbours
    }
    ((quarantine,),) = link.fetch(
        "select worker.quarantine from pgqueue.attempts as attempt "
        "join pgqueue.workers as worker on worker.id = attempt.worker_id "
        "where attempt.job_id = %(id)s and attempt.attempt = 3",
        {"id": poison.id},
    )
    assert quarantine
