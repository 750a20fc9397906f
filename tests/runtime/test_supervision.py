"""A supervisor that a program starts by itself, without the command line."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from python_path import python_path

from pgqueue import configure
from pgqueue.client.client import Client
from pgqueue.core.errors import InvalidOption
from pgqueue.core.events.event import listen
from pgqueue.core.events.services import LoopFailed
from pgqueue.process.reactor import Reactor
from pgqueue.process.signals import STOP
from pgqueue.runtime.supervision import start_supervisor
from pgqueue.runtime.target import open_target
from pgqueue.store.connection.link import Link

TASKS = """
from pgqueue import task

@task
def bake(loaves: int) -> int:
    return loaves
"""

# Prints the exit code of a supervisor, and the modules that this process has loaded.
PROGRAM = """
import json, sys
from pgqueue.runtime.supervision import supervise
from pgqueue.runtime.target import open_target

flags = {"url": sys.argv[1], "tasks": ("shop",), "processes": 1, "greenlets": 2}
with open_target(flags) as target:
    code = supervise(target, burst=True)
print(json.dumps([code, list(sys.modules)]))
"""


def test_a_program_runs_jobs_without_the_command_line(
    database_url: str, client: Client, tmp_path: Path
) -> None:
    tmp_path.joinpath("shop.py").write_text(TASKS)
    job = client.enqueue("shop.bake", {"loaves": 3})

    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PGQUEUE_")
    }

    process = subprocess.run(
        [sys.executable, "-c", PROGRAM, database_url],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": python_path(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert 0 == process.returncode, process.stderr
    # The program's own lines would stand here as well.
    [line] = process.stderr.splitlines()
    assert re.search(r"tasks loaded  worker_id=\d+ modules=shop task_count=1", line)
    code, modules = json.loads(process.stdout)
    assert 0 == code
    assert ("succeeded", 3) == (client.job(job.id).status, client.job(job.id).result)
    assert "pgqueue.process.supervisor" in modules
    assert [] == [name for name in modules if name.split(".")[:2] == ["pgqueue", "cli"]]
    assert set() == {name.partition(".")[0] for name in modules} & {"typer", "rich", "click"}


def test_a_program_starts_a_supervisor_on_a_thread_and_stops_it(
    link: Link, database_url: str, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.joinpath("shop.py").write_text(TASKS)
    monkeypatch.setenv("PYTHONPATH", python_path(tmp_path))
    flags = {"url": database_url, "tasks": ("shop",), "processes": 1, "greenlets": 2}
    numbers = (*STOP, signal.SIGCHLD)
    handlers = [signal.getsignal(number) for number in numbers]

    with open_target(flags) as target:
        supervision = start_supervisor(target)
        job = client.wait(client.enqueue("shop.bake", {"loaves": 3}).id, timeout=60)
        with pytest.raises(TimeoutError):
            supervision.wait(timeout=0)
        handlers_meanwhile = [signal.getsignal(number) for number in numbers]
        [live] = client.workers.list()
        supervision.stop(grace_seconds=5.0)
        code = supervision.wait(timeout=60)
    configure()

    assert (0, "succeeded", 3) == (code, job.status, job.result)
    assert handlers == handlers_meanwhile == [signal.getsignal(number) for number in numbers]
    assert [] == client.workers.list()
    [worker] = client.workers.list(with_stopped=True)
    assert ("stopped", live.id) == (worker.stop_reason, worker.id)
    assert [(True,)] == link.fetch("select stopped_at is not null from pgqueue.supervisors", {})
    assert live.pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(live.pid, 0)


def test_a_supervisor_of_a_block_has_ended_after_the_block(database_url: str) -> None:
    with open_target({"url": database_url, "processes": 1}) as target:
        with start_supervisor(target) as supervision:
            pass

        assert 0 == supervision.wait(timeout=0)
    configure()


@pytest.mark.parametrize("grace", [timedelta(seconds=5), 5, 0.0])
def test_a_grace_is_a_duration(database_url: str, grace: float | timedelta) -> None:
    with open_target({"url": database_url, "processes": 1}) as target:
        supervision = start_supervisor(target)
        supervision.stop(grace)
        code = supervision.wait(timeout=60)
    configure()

    assert 0 == code


@pytest.mark.parametrize("grace", [-5, float("nan"), float("inf"), "5", True])
def test_a_grace_that_is_no_duration_is_refused_and_stops_nothing(
    database_url: str, grace: Any
) -> None:
    with (
        open_target({"url": database_url, "processes": 1}) as target,
        start_supervisor(target) as supervision,
    ):
        with pytest.raises(InvalidOption, match="grace_seconds"):
            supervision.stop(grace)
        with pytest.raises(TimeoutError):
            supervision.wait(timeout=0)
    configure()


def test_a_supervisor_that_is_started_again_goes_on(database_url: str) -> None:
    with open_target({"url": database_url, "processes": 1}) as target:
        with start_supervisor(target) as supervision:
            with pytest.raises(RuntimeError):
                supervision.start()
            with pytest.raises(TimeoutError):
                supervision.wait(timeout=0)
        code = supervision.wait(timeout=0)
    configure()

    assert 0 == code


@pytest.mark.parametrize("target", [None, "postgresql:///shop"])
def test_only_an_open_target_gets_a_supervisor(target: Any) -> None:
    with pytest.raises(InvalidOption, match="open_target"):
        start_supervisor(target)


def test_a_supervisor_that_fails_leaves_no_job_running(
    link: Link, database_url: str, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.joinpath("shop.py").write_text(
        "import time\n"
        "from pathlib import Path\n"
        "from pgqueue import task\n"
        "@task\n"
        "def bake(started: str):\n"
        "    Path(started).write_text('started')\n"
        "    time.sleep(600)\n"
    )
    monkeypatch.setenv("PYTHONPATH", python_path(tmp_path))
    failures: list[LoopFailed] = []
    stop = listen(LoopFailed, failures.append)
    has_failed = threading.Event()
    run_once = Reactor.run_once

    def fail(reactor: Reactor) -> None:
        run_once(reactor)
        if has_failed.is_set():
            raise SystemExit("the supervisor fails")

    monkeypatch.setattr(Reactor, "run_once", fail)
    started = tmp_path / "started"
    os.mkfifo(started)
    job = client.enqueue("shop.bake", {"started": str(started)})

    with open_target({"url": database_url, "tasks": ("shop",), "processes": 1}) as target:
        supervision = start_supervisor(target)
        started.read_text()  # waits for the job
        has_failed.set()
        with pytest.raises(SystemExit, match="the supervisor fails"):
            supervision.wait(timeout=60)
    configure()
    stop()

    assert ["the supervisor fails"] == [str(failure.error) for failure in failures]
    assert "queued" == client.job(job.id).status
    assert [] == client.workers.list()
    assert [] == [thread.name for thread in threading.enumerate() if thread.name == "registry"]
