"""Old and new code side by side: each job runs where its task is known, and none is lost."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import registering
from python_path import python_path

from pgqueue import Client
from pgqueue.store import workers
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run

OLD = "from pgqueue import task\n\n@task\ndef press(n: int) -> int:\n    return n\n"
TASKS = ("press", "iron")
NEW = OLD + "\n@task\ndef iron(n: int) -> int:\n    return n\n"


@pytest.fixture
def laundry(tmp_path: Path, fleet: Callable[..., Any]) -> Callable[..., Any]:
    """Start a supervisor with a version of the code: `old` knows press, `new` knows iron too."""

    def start(age: str, *arguments: str) -> Any:
        folder = tmp_path / age
        folder.mkdir(exist_ok=True)
        folder.joinpath("laundry.py").write_text(NEW if age == "new" else OLD)
        return fleet(*arguments, PGQUEUE_TASKS="laundry", PYTHONPATH=python_path(folder))

    return start


def _unknown_tasks(worker_id: int, link: Link) -> list[str]:
    [(unknown,)] = link.fetch(
        "select unknown_tasks from pgqueue.workers where id = %(id)s", {"id": worker_id}
    )
    return list(unknown)


def test_each_job_of_a_rolling_deploy_runs_where_its_task_is_known(
    client: Client, laundry: Callable[..., Any]
) -> None:
    old, new = laundry("old", "--processes", "2"), laundry("new", "--processes", "2")
    old.until(lambda: len(old.children()) == 4, "four workers")
    jobs = [client.enqueue(f"laundry.{task}", {"n": n}) for n in range(50) for task in TASKS]

    new.until(lambda: client.count(status="succeeded") == len(jobs), "all ran")

    assert {0} == {job.failure_count + job.lost_count for job in client.jobs(limit=200)}
    assert [] == client.unknown_tasks()


def test_a_task_that_no_worker_knows_is_listed_with_the_time_since_when(
    client: Client, laundry: Callable[..., Any], link: Link
) -> None:
    old, new = laundry("old"), laundry("new")
    old.until(lambda: len(old.children()) == 2, "two workers")
    waiting = client.enqueue("laundry.iron", {"n": 1}, run_after=3600)
    new.signal(signal.SIGTERM)
    assert 0 == new.wait()
    [(gone_at,)] = link.fetch("select max(stopped_at) from pgqueue.workers", {})

    client.retry([waiting.id])

    old.until(lambda: bool(client.unknown_tasks()), "reported")
    [unknown] = client.unknown_tasks()
    assert ("laundry.iron", "default", 1, 1) == (
        unknown.task, unknown.queue, unknown.job_count, unknown.worker_count,
    )  # fmt: skip
    assert gone_at == unknown.unknown_since
    assert "queued" == client.job(waiting.id).status

    laundry("new")

    old.until(lambda: client.job(waiting.id).status == "succeeded", "ran on one that knows it")
    assert [] == client.unknown_tasks()


def test_a_worker_that_meets_an_unknown_task_warns_the_other_workers(
    client: Client, laundry: Callable[..., Any], link: Link
) -> None:
    old = laundry("old", "--processes", "3")
    old.until(lambda: len(old.children()) == 3, "three workers")

    strange = client.enqueue("laundry.iron", {"n": 1})

    old.until_query(
        "select bool_and('laundry.iron' = any(unknown_tasks)) from pgqueue.workers "
        "where stopped_at is null"
    )
    assert client.job(strange.id).attempt < 3


def test_a_task_that_a_worker_may_know_is_not_listed_as_unknown(client: Client, link: Link) -> None:
    first, second = (_worker(link, queues) for queues in (["mail/"], ["mail/fast", "default"]))
    client.enqueue("shop.iron", queue="mail/fast")

    run(link, workers.add_unknown_tasks(first, ["shop.iron"]))
    before = client.unknown_tasks()
    run(link, workers.add_unknown_tasks(second, ["shop.iron", "shop.press"]))

    assert [] == before
    assert [("shop.iron", "mail/fast", 2)] == [
        (unknown.task, unknown.queue, unknown.worker_count) for unknown in client.unknown_tasks()
    ]
    assert ["shop.iron", "shop.press"] == _unknown_tasks(second, link)


def test_unknown_tasks_are_recorded_once_and_up_to_a_limit(link: Link) -> None:
    worker = _worker(link, ["default"])

    for _ in range(2):
        run(link, workers.add_unknown_tasks(worker, [f"t{n:04}" for n in range(1500)]))

    assert [f"t{n:04}" for n in range(1000)] == _unknown_tasks(worker, link)


def _worker(link: Link, queues: list[str]) -> int:
    supervisor_id = registering.supervisor(link)
    return registering.worker(link, supervisor_id=supervisor_id, slots=1, queues=queues)
