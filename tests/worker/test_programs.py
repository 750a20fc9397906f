"""Programs and processes that a task starts: they can be ended, and they end with their worker."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from chaos import procs

from pgqueue.client.client import Client

APP = Path(__file__).parent / "app"


@pytest.fixture(autouse=True)
def _tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGQUEUE_TEST_TASKS", "shop.program_tasks,shop.tasks")


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
@pytest.mark.parametrize(
    "names", [("maps_in_a_pool", "maps_in_a_coroutine"), ("maps_in_an_executor",)], ids=" ".join
)
def test_a_pool_returns_its_results(
    client: Client, burst: Any, recorded: None, names: tuple[str, ...], method: str
) -> None:
    jobs = {
        name: client.enqueue(f"shop.program_tasks.{name}", {"method": method}) for name in names
    }

    burst("--processes", "1")

    for name, job in jobs.items():
        assert (name, [1, 2]) == (name, client.job(job.id).result), client.job(job.id).error


def test_a_process_is_terminated_however_early(client: Client, burst: Any, recorded: None) -> None:
    names = ("terminates", "terminates_alone")  # one in a greenlet, one in a process of its own
    jobs = [client.enqueue(f"shop.program_tasks.{name}", {"method": "fork"}) for name in names]

    burst("--processes", "1")

    assert [[-signal.SIGTERM] * 10] * 2 == [client.job(job.id).result for job in jobs]


def test_a_fork_takes_sigint_as_any_program_does(
    client: Client, burst: Any, recorded: None
) -> None:
    job = client.enqueue("shop.program_tasks.interrupts_a_fork")

    burst("--processes", "1")

    assert "KeyboardInterrupt" == client.job(job.id).result


@pytest.mark.parametrize(
    "name, way, state",
    [
        ("starts", "popen", "ended"),
        ("starts", "group", "ended"),
        ("starts", "fork twice", "ended"),
        ("starts", "forkserver", "ended"),
        ("starts_alone", "run", "ended"),
        ("starts_alone", "system", "ended"),
        ("starts_alone", "fork", "ended"),
        ("starts_alone", "spawn", "ended"),
        ("starts_in_a_coroutine", "shell", "ended"),
        ("starts", "session", "runs"),
    ],
)
def test_what_a_task_started_ends_before_its_next_attempt_starts(
    client: Client, fleet: Any, recorded: None, tmp_path: Path, name: str, way: str, state: str
) -> None:
    path = tmp_path / "pid"
    job = client.enqueue(f"shop.program_tasks.{name}", {"way": way, "path": str(path)})
    workers = fleet("--processes", "1")
    workers.until(path.exists, "started")
    [(worker_pid,)] = workers.rows(
        "select pid from pgqueue.running_jobs where id = %s and pid is not null", job.id
    )

    os.kill(worker_pid, signal.SIGKILL)

    workers.until(lambda: client.job(job.id).status == "succeeded", "ran again")
    assert (state, 2) == (client.job(job.id).result, client.job(job.id).attempt)
    if state == "runs":
        os.kill(int(path.read_text()), signal.SIGKILL)


_IN_A_CONTAINER = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


def _may_contain() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*_IN_A_CONTAINER, "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not _may_contain(), reason="only root may start process 1 of a container")
def test_a_supervisor_that_is_process_1_leaves_no_zombie(
    client: Client, recorded: None, database_url: str
) -> None:
    job = client.enqueue("shop.program_tasks.leaves_orphans")
    worker = [sys.executable, "-m", "pgqueue", "worker", "--burst", "--processes", "1"]

    ended = subprocess.run(
        [*_IN_A_CONTAINER, *worker],
        cwd=APP,
        env={**os.environ, "PGQUEUE_URL": database_url, "PGQUEUE_TASKS": "shop.program_tasks"},
        timeout=60,
    )

    assert 0 == ended.returncode
    assert 0 == client.job(job.id).result


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_a_task_left_behind_ends_when_its_supervisor_ends(
    client: Client, fleet: Any, recorded: None, tmp_path: Path, number: int
) -> None:
    pids = []
    jobs = []
    workers = fleet("--processes", "1")
    for way in ("popen", "fork"):
        path = tmp_path / way
        args = {"way": way, "path": str(path)}
        jobs.append(client.enqueue("shop.program_tasks.starts_and_returns", args))
        workers.until(path.exists, "started")
        pids.append(int(path.read_text()))
    for job in jobs:
        workers.until(lambda job=job: client.job(job.id).status == "succeeded", "succeeded")
    assert all(map(procs.lives, pids))

    workers.signal(number)

    workers.until(lambda: not any(map(procs.lives, pids)), "ended")
