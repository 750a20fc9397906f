"""The modules that an import of pgqueue, a command and a worker child load."""

import json
import subprocess
import sys

from typer.core import TyperGroup
from typer.main import get_command

from pgqueue.cli.app import app

HEAVY = {
    "alembic",
    "django",
    "gevent",
    "psycopg",
    "pydantic",
    "rich",
    "sqlalchemy",
    "starlette",
    "typer",
}

# Typer may parse arguments with pydantic.
TYPER = {"typer", "pydantic"}

# The start of the console script for `pgqueue config`.
CONFIG = """
import sys
from pgqueue.cli.launch import launch

sys.argv = ["pgqueue", "config"]
assert 0 == launch()
"""

# The program ends at the start of the first child, and prints the modules of the supervisor.
START_CHILD = """
import json, os, subprocess, sys

def start(words, **_):
    print(json.dumps([words[2], *sys.modules]), flush=True)
    os._exit(0)

subprocess.Popen = start
from pgqueue.cli.launch import launch

sys.argv = ["pgqueue", "worker", "--url", "postgresql://127.0.0.1:1/nowhere"]
launch()
"""


def _modules_after(code: str) -> set[str]:
    program = f"{code}\nimport json, sys; print(json.dumps(list(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    modules: list[str] = json.loads(result.stdout.splitlines()[-1])
    return set(modules)


def _loaded_by(code: str) -> set[str]:
    return _libraries(_modules_after(code))


def _libraries(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def _commands(modules: set[str]) -> set[str]:
    """The commands whose modules are in *modules*."""
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    return {name for name in group.commands if f"pgqueue.cli.{name}" in modules}


def test_import_pgqueue_loads_no_heavy_library() -> None:
    loaded = _loaded_by("import pgqueue")

    assert "pgqueue" in loaded
    assert set() == loaded & HEAVY


def test_a_worker_loads_no_sqlalchemy_and_gevent_only_for_greenlets() -> None:
    loaded = _loaded_by("import pgqueue.worker.boot")

    assert "psycopg" in loaded
    assert set() == loaded & {"sqlalchemy", "alembic", "gevent", "typer", "rich"}


def test_the_supervisor_loads_neither_gevent_nor_sqlalchemy() -> None:
    loaded = _loaded_by("import pgqueue.runtime.supervision")

    assert "psycopg" in loaded
    assert set() == loaded & {"sqlalchemy", "alembic", "gevent"}


def test_a_command_loads_no_module_of_another_command() -> None:
    loaded = _modules_after(CONFIG)

    assert {"config"} == _commands(loaded)
    assert {"rich"} == _libraries(loaded) & HEAVY - TYPER
    assert set() == loaded & {"pgqueue.process", "pgqueue.client", "pgqueue.maintenance"}


def test_the_first_child_starts_before_any_heavy_library_or_command_is_loaded() -> None:
    loaded = _modules_after(START_CHILD)

    assert "pgqueue.worker" in loaded  # the module that the child runs, by name only
    assert set() == _commands(loaded)
    assert set() == _libraries(loaded) & HEAVY
    assert set() == loaded & {"pgqueue.cli.app", "pgqueue.process.supervisor"}
