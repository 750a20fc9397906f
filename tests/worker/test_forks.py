"""In a fork of a worker, the code that forked goes on and nothing else does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chaos import procs

from pgqueue.client.client import Client

Forks = Callable[..., Any]


@pytest.fixture
def run_beside_neighbours(
    client: Client, burst: Any, recorded: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Forks:
    """Runs a job between others; asserts that each of their steps ran once, in their worker."""
    monkeypatch.setenv("PGQUEUE_TEST_TASKS", "shop.fork_tasks")
    ledger = tmp_path / "ledger"

    def run(name: str, executor: str, **args: Any) -> Any:
        prefix = "shop.fork_tasks."
        steps = {"greenlet": "steps", "asyncio": "async_steps"}.get(executor)
        pid = {"greenlet": "pid", "asyncio": "async_pid", "process": "pid_alone"}[executor]
        jobs = [
            client.enqueue(prefix + steps, {"path": str(ledger)}) for _ in range(3 if steps else 0)
        ]
        if "path" in args:
            args["path"] = str(tmp_path / "own")
        job = client.enqueue(prefix + name, args)
        if executor == "greenlet":
            client.enqueue(prefix + "waits_for_the_lock", {"path": str(ledger)})
        later = [client.enqueue(prefix + pid) for _ in range(20)]

        burst("--processes", "1")

        assert [] == [row.error for row in client.jobs(status="failed")]
        [worker_pid] = {client.job(one.id).result for one in later}
        lines = ledger.read_text().splitlines() if ledger.exists() else []
        assert len(lines) == len(set(lines)) == 16 * len(jobs) + (executor == "greenlet")
        assert {str(worker_pid)} >= {line.split()[-1] for line in lines}
        assert not procs.lives(worker_pid)
        return client.job(job.id).result

    return run


@pytest.mark.parametrize(
    "name, executor",
    [("forks", "greenlet"), ("forks_alone", "process"), ("forks_in_a_coroutine", "asyncio")],
)
@pytest.mark.parametrize("how, code", [("exit", 3), ("return", 0), ("error", 1)])
def test_a_fork_of_a_task_ends_with_the_task(
    run_beside_neighbours: Forks, name: str, executor: str, how: str, code: int
) -> None:
    assert code == run_beside_neighbours(name, executor, how=how)


@pytest.mark.parametrize(
    "name, executor, args, result",
    [
        ("forks", "greenlet", {"how": "pty"}, 0),
        ("spawns_a_greenlet_that_forks", "greenlet", {}, 0),
        ("runs_a_program", "greenlet", {"path": ""}, "done"),
        ("forks_in_a_coroutine", "asyncio", {"how": "await"}, 1),
        ("forks_in_a_coroutine", "asyncio", {"how": "child"}, 3),
        ("forks_in_a_group", "asyncio", {}, 3),
    ],
)
def test_a_fork_elsewhere_in_a_task_ends_by_itself(
    run_beside_neighbours: Forks, name: str, executor: str, args: Any, result: Any
) -> None:
    assert result == run_beside_neighbours(name, executor, **args)


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
@pytest.mark.parametrize(
    "name, executor",
    [
        ("starts_a_process", "greenlet"),
        ("starts_a_process_alone", "process"),
        ("starts_a_process_in_a_coroutine", "asyncio"),
    ],
)
def test_a_process_of_multiprocessing_does_its_own_work_only(
    run_beside_neighbours: Forks, name: str, executor: str, method: str
) -> None:
    assert 3 == run_beside_neighbours(name, executor, method=method)
