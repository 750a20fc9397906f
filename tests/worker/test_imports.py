"""A module that a row names first is imported where its task would run, and harms no other job."""

from typing import Any

import pytest

from pgqueue.client.client import Client
from pgqueue.store.connection.link import Link

EXECUTORS = ("greenlet", "asyncio", "process")


def _enqueue(link: Link, task: str, executor: str = "greenlet", timeout: float = 3600) -> int:
    # As SQL would: no process has had to import the module.
    [(job_id,)] = link.fetch(
        "insert into pgqueue.jobs (task, args, executor, timeout_seconds) "
        'values (%(task)s, \'{"name": "you"}\', %(executor)s, %(timeout)s) returning id',
        {"task": task, "executor": executor, "timeout": timeout},
    )
    return int(job_id)


def test_a_task_is_found_in_a_module_that_was_not_imported_yet(
    client: Client, burst: Any, link: Link
) -> None:
    jobs = [_enqueue(link, "shop.late.fine.greet") for _ in range(30)]

    burst()

    assert {"hello you"} == {client.job(job).result for job in jobs}
    assert {1} == {client.job(job).attempt for job in jobs}


@pytest.mark.parametrize("executor", ["greenlet", "asyncio"])
def test_no_job_starts_while_its_module_is_half_imported(
    client: Client, burst: Any, link: Link, executor: str
) -> None:
    jobs = [_enqueue(link, "shop.late.slow.greet", executor) for _ in range(8)]

    burst()

    assert {("succeeded", "hello you", 0)} == {
        (job.status, job.result, job.failure_count) for job in map(client.job, jobs)
    }


def test_a_job_whose_module_raises_is_excluded_however_many_there_are(
    client: Client, fleet: Any, link: Link
) -> None:
    jobs = [_enqueue(link, "shop.late.breaks.greet") for _ in range(8)]

    supervisor = fleet("--burst")

    assert 1 == supervisor.wait(), supervisor.errors.decode()
    assert {("queued", 0)} == {(job.status, job.failure_count) for job in map(client.job, jobs)}


def test_a_task_in_such_a_module_goes_on_to_a_worker_of_its_kind(
    client: Client, burst: Any, link: Link
) -> None:
    job = client.job(_enqueue(link, "shop.late.fine.compute"))

    burst()

    done = client.job(job.id)
    assert ("succeeded", "YOU", 0, 0) == (
        done.status, done.result, done.failure_count, done.lost_count,
    )  # fmt: skip
    assert ["interrupted", "succeeded"] == [attempt.outcome for attempt in done.attempts()]


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("module", ["spins", "blocks"])
def test_an_import_that_never_ends_is_ended_by_the_jobs_timeout(
    client: Client, burst: Any, link: Link, module: str, executor: str
) -> None:
    stuck = _enqueue(link, f"shop.late.{module}.run", executor, timeout=0.5)
    others = [_enqueue(link, "shop.late.fine.greet") for _ in range(5)]

    burst()

    job = client.job(stuck)
    assert ("failed", 1, "timed_out") == (
        job.status, job.failure_count, job.attempts()[-1].outcome,
    )  # fmt: skip
    assert {"succeeded"} == {client.job(other).status for other in others}


@pytest.mark.parametrize("executor", EXECUTORS)
def test_an_import_that_ends_its_worker_is_tried_three_times(
    client: Client, burst: Any, link: Link, executor: str
) -> None:
    poison = _enqueue(link, "shop.late.exits.run", executor)
    others = [_enqueue(link, "shop.late.fine.greet") for _ in range(5)]

    burst()

    job = client.job(poison)
    assert ("failed", 3) == (job.status, job.lost_count)
    assert "exited with code 7" in str(job.error)
    assert {"succeeded"} == {client.job(other).status for other in others}


def test_an_import_that_raises_no_exception_leaves_its_worker_at_work(
    client: Client, fleet: Any, link: Link
) -> None:
    workers = fleet()
    broken = _enqueue(link, "shop.late.skips.run")
    workers.until_query(
        "select exists (select from pgqueue.workers "
        "where 'shop.late.skips.run' = any(unknown_tasks))"
    )

    later = _enqueue(link, "shop.late.fine.greet")

    workers.until(lambda: client.job(later).status == "succeeded", "the later job ran")
    released, done = client.attempts(broken), client.attempts(later)
    assert {released[0].worker_id} == {done[0].worker_id}
    assert ("queued", 0) == (client.job(broken).status, client.job(broken).lost_count)
