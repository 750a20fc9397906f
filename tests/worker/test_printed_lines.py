"""What a worker prints about its jobs: a line for each end that a person should see."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from pgqueue.client.client import Client
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run
from pgqueue.store.tasks import record_tasks
from pgqueue.tasks import loading

TASKS = ("in_greenlet", "in_coroutine", "in_process")
MODULE = "shop.failing_tasks"

Work = Callable[..., list[str]]


@pytest.fixture
def work(burst: Any, link: Link, monkeypatch: pytest.MonkeyPatch) -> Work:
    """Run all queued jobs; the lines that the supervisor and its workers printed."""

    def call(**environment: str) -> list[str]:
        printed: str = burst(**{"PGQUEUE_TASKS": MODULE, **environment}).errors.decode()
        return printed.splitlines()

    monkeypatch.syspath_prepend("tests/worker/app")
    run(link, record_tasks(task.describe() for task in loading.load([MODULE])))
    return call


@pytest.mark.parametrize("task", TASKS)
def test_a_worker_prints_retries_timeouts_and_failures_and_nothing_of_a_plain_job(
    task: str, client: Client, work: Work
) -> None:
    ids = {
        mode: client.enqueue(f"{MODULE}.{task}", {"mode": mode}, timeout=timeout).id
        for mode, timeout in (("plain", 60), ("raise", 60), ("retry", 60), ("sleep", 0.2))
    }

    lines = work()

    def line_of(mode: str) -> str:
        [line] = [line for line in lines if f"job_id={ids[mode]} " in line]
        assert "attempt=1 " in line and f"task={MODULE}.{task} " in line
        return line[len("2026-11-23 19:04:05 ") :]

    assert not [line for line in lines if f"job_id={ids['plain']} " in line]
    assert line_of("retry").startswith("WARNING job retried  ")
    assert "error_type=ValueError error_message=first" in line_of("retry")
    assert line_of("sleep").startswith("WARNING job retried  ")
    assert "outcome=timed_out" in line_of("sleep")
    assert line_of("raise").startswith("ERROR   job failed  ")
    below = lines[lines.index(next(line for line in lines if "job failed" in line)) + 1 :]
    assert "  Traceback (most recent call last):" == below[0]
    assert "  KeyError: 'y'" in below


@pytest.mark.parametrize(
    ("settings", "level"),
    [({"PGQUEUE_LOG_LEVEL": "DEBUG"}, "DEBUG"), ({"PGQUEUE_LOG_JOBS": "true"}, "INFO")],
    ids=["at debug", "with log_jobs"],
)
def test_starts_and_successes_are_debug_lines_or_info_lines_with_log_jobs(
    settings: dict[str, str], level: str, client: Client, work: Work
) -> None:
    job = client.enqueue(f"{MODULE}.in_greenlet", {"mode": "plain"})

    lines = [line for line in work(**settings) if f"job_id={job.id} " in line]

    assert [[level, "job", "started"], [level, "job", "succeeded"]] == [
        line.split()[2:5] for line in lines
    ]


def test_every_line_that_a_job_logs_carries_its_task_id_and_attempt(
    client: Client, work: Work
) -> None:
    jobs = {task: client.enqueue(f"{MODULE}.{task}", {"mode": "log"}) for task in TASKS}

    lines = work()

    own = [line for line in lines if "by the job" in line]
    library = [line for line in lines if "by a library" in line]
    assert len(TASKS) == len(own) == len(library)
    for task, job in jobs.items():
        [_] = [line for line in own if f"job_id={job.id} attempt=1 task={MODULE}.{task}" in line]
        # The caller's own `extra` stays.
        fields = {"attempt=mine", f"job_id={job.id}", f"task={MODULE}.{task}"}
        [_] = [line for line in library if fields <= set(line.split())]


def test_json_lines_are_one_document_each_with_the_traceback_in_it(
    client: Client, work: Work
) -> None:
    job = client.enqueue(f"{MODULE}.in_greenlet", {"mode": "raise"})
    client.enqueue(f"{MODULE}.in_greenlet", {"mode": "log"})

    documents = [json.loads(line) for line in work(PGQUEUE_LOG_FORMAT="json")]

    [failed] = [document for document in documents if document["message"] == "job failed"]
    assert {"level": "ERROR", "logger": "pgqueue.job", "job_id": job.id, "attempt": 1} == {
        name: failed[name] for name in ("level", "logger", "job_id", "attempt")
    }
    assert failed["traceback"].endswith("KeyError: 'y'")
    assert {"worker started", "by a library"} <= {document["message"] for document in documents}


def test_an_application_may_configure_the_lines_of_workers_itself(
    client: Client, work: Work
) -> None:
    failed = client.enqueue(f"{MODULE}.in_greenlet", {"mode": "raise"})
    logged = client.enqueue(f"{MODULE}.in_greenlet", {"mode": "log"})

    lines = work(PGQUEUE_TASKS="shop.own_logging", PGQUEUE_LOG_CONFIG="app")

    task = f"{MODULE}.in_greenlet"
    ending = f"job={failed.id} task={task}"
    assert f"mine ERROR pgqueue.job job failed {ending}" in lines
    assert "KeyError: 'y'" in lines  # below the line, as the application's formatter prints it
    ending = f"job={logged.id} task={task}"
    assert f"mine WARNING shop.library by a library {ending}" in lines
    # Each line is printed once, and the supervisor prints its own.
    assert 1 == sum("by a library" in line for line in lines)
    assert any("supervisor started" in line for line in lines)


def test_a_worker_whose_application_configures_no_handler_prints_the_lines_of_jobs_all_the_same(
    client: Client, work: Work
) -> None:
    job = client.enqueue(f"{MODULE}.in_greenlet", {"mode": "raise"})

    lines = work(PGQUEUE_LOG_CONFIG="app")

    assert any("job failed  " in line and f"job_id={job.id} " in line for line in lines)


def test_a_worker_prints_which_tasks_it_loaded(work: Work) -> None:
    [line] = [line for line in work(PGQUEUE_CPUS="1") if "tasks loaded" in line][:1]

    assert f"modules={MODULE} task_count=3" in line


def test_a_queue_whose_name_the_environment_splits_is_reported_and_has_a_form(
    client: Client, work: Work
) -> None:
    run_both = {"PGQUEUE_TASKS": "shop.comma_tasks"}
    job = client.enqueue("shop.comma_tasks.send", queue="mail,slow")

    split = work(**run_both, PGQUEUE_QUEUES="mail,slow")
    status = client.job(job.id).status
    whole = work(**run_both, PGQUEUE_QUEUES='["mail,slow"]')

    assert "queued" == status and "succeeded" == client.job(job.id).status
    [line] = [line for line in split if "queue split" in line]
    assert "task=shop.comma_tasks.send queue=mail,slow" in line
    assert not [line for line in whole if "queue split" in line]
