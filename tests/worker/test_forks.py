"""In a fork of a worker, the code that forked goes on and nothing else does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chaos import procs

from pgqueue.client.client import Client

# Returns the results of jobs, each in a worker of another kind. See `run_beside_neighbours`.
Forks = Callable[..., dict[str, Any]]

EXECUTORS = ("greenlet", "asyncio", "process")
_STEPS = {"greenlet": "steps", "asyncio": "async_steps"}
_PIDS = {"greenlet": "pid", "asyncio": "async_pid", "process": "pid_alone"}


@pytest.fixture
def run_beside_neighbours(
    client: Client, burst: Any, recorded: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Forks:
    """Runs a job between others; asserts that each of their steps ran once, in their worker.

    It takes one job for each executor, and runs them at once in a worker of each kind.
    """
    monkeypatch.setenv("PGQUEUE_TEST_TASKS", "shop.fork_tasks")

    def run(**calls: tuple[str, dict[str, Any]]) -> dict[str, Any]:
        prefix = "shop.fork_tasks."
        jobs, step_counts, later = {}, {}, {}
        for executor, (name, args) in calls.items():
            ledger = str(tmp_path / executor)
            steps = _STEPS.get(executor)
            neighbours = [
                client.enqueue(prefix + steps, {"path": ledger}) for _ in range(3 if steps else 0)
            ]
            if "path" in args:
                args = {**args, "path": str(tmp_path / "own")}
            jobs[executor] = client.enqueue(prefix + name, args)
            if executor == "greenlet":
                client.enqueue(prefix + "waits_for_the_lock", {"path": ledger})
            step_counts[executor] = 16 * len(neighbours) + (executor == "greenlet")
            later[executor] = [client.enqueue(prefix + _PIDS[executor]) for _ in range(20)]

        burst("--processes", "1")

        assert [] == [row.error for row in client.jobs(status="failed")]
        for executor in calls:
            [worker_pid] = {client.job(one.id).result for one in later[executor]}
            ledger_file = tmp_path / executor
            lines = ledger_file.read_text().splitlines() if ledger_file.exists() else []
            assert len(lines) == len(set(lines)) == step_counts[executor], executor
            assert {str(worker_pid)} >= {line.split()[-1] for line in lines}, executor
            assert not procs.lives(worker_pid), executor
        return {executor: client.job(job.id).result for executor, job in jobs.items()}

    return run


@pytest.mark.parametrize("how, code", [("exit", 3), ("return", 0), ("error", 1)])
def test_a_fork_of_a_task_ends_with_the_task(
    run_beside_neighbours: Forks, how: str, code: int
) -> None:
    codes = run_beside_neighbours(
        greenlet=("forks", {"how": how}),
        process=("forks_alone", {"how": how}),
        asyncio=("forks_in_a_coroutine", {"how": how}),
    )

    assert dict.fromkeys(EXECUTORS, code) == codes


@pytest.mark.parametrize(
    "in_a_greenlet, in_a_coroutine, results",
    [
        (("forks", {"how": "pty"}), ("forks_in_a_coroutine", {"how": "await"}), (0, 1)),
        (("spawns_a_greenlet_that_forks", {}), ("forks_in_a_coroutine", {"how": "child"}), (0, 3)),
        (("runs_a_program", {"path": ""}), ("forks_in_a_group", {}), ("done", 3)),
    ],
)
def test_a_fork_elsewhere_in_a_task_ends_by_itself(
    run_beside_neighbours: Forks, in_a_greenlet: Any, in_a_coroutine: Any, results: Any
) -> None:
    done = run_beside_neighbours(greenlet=in_a_greenlet, asyncio=in_a_coroutine)

    assert results == (done["greenlet"], done["asyncio"])


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_a_process_of_multiprocessing_does_its_own_work_only(
    run_beside_neighbours: Forks, method: str
) -> None:
    codes = run_beside_neighbours(
        greenlet=("starts_a_process", {"method": method}),
        process=("starts_a_process_alone", {"method": method}),
        asyncio=("starts_a_process_in_a_coroutine", {"method": method}),
    )

    assert dict.fromkeys(EXECUTORS, 3) == codes
