"""A supervisor that a program starts by itself, without the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

from python_path import python_path

from pgqueue.client.client import Client

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

    assert (0, "") == (process.returncode, process.stderr)
    code, modules = json.loads(process.stdout)
    assert 0 == code
    assert ("succeeded", 3) == (client.job(job.id).status, client.job(job.id).result)
    assert "pgqueue.process.supervisor" in modules
    assert [] == [name for name in modules if name.split(".")[:2] == ["pgqueue", "cli"]]
    assert set() == {name.partition(".")[0] for name in modules} & {"typer", "rich", "click"}
