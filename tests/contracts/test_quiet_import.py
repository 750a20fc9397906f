"""What an import of pgqueue loads, what a command loads, and what a worker child loads."""

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

# Typer may read the words of a command with pydantic.
TYPER = {"typer", "pydantic"}

# The console script as it is started for `pgqueue config`.
CONFIG = """
import sys
from pgqueue.cli.launch import launch

sys.argv = ["pgqueue", "config"]
assert 0 == launch()
"""

# Ends where a first child would begin, with all that the supervisor has loaded until then.
BEGIN_CHILD = """
import json, os, subprocess, sys

def begin(words, **_):
    print(json.dumps([words[2], *sys.modules]), flush=True)
    os._exit(0)

subprocess.Popen = begin
from pgqueue.cli.launch import launch

sys.argv = ["pgqueue", "worker", "--url", "postgresql://127.0.0.1:1/nowhere"]
launch()
"""


def _modules_after(code: str) -> set[str]:
    shown = f"{code}\nimport json, sys; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    modules: list[str] = json.loads(done.stdout.splitlines()[-1])
    return set(modules)


def _loaded_by(code: str) -> set[str]:
    return _libraries(_modules_after(code))


def _libraries(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def _commands(modules: set[str]) -> set[str]:
    """The commands whose modules are among these."""
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


def test_a_command_waits_for_nothing_that_another_needs() -> None:
    loaded = _modules_after(CONFIG)

    assert {"config"} == _commands(loaded)
    assert {"rich"} == _libraries(loaded) & HEAVY - TYPER
    assert set() == loaded & {"pgqueue.process", "pgqueue.client", "pgqueue.maintenance"}


def test_a_supervisors_first_child_waits_for_no_heavy_library_and_no_command() -> None:
    loaded = _modules_after(BEGIN_CHILD)

    assert "pgqueue.worker" in loaded  # the module that the child is to run, which is only named
    assert set() == _commands(loaded)
    assert set() == _libraries(loaded) & HEAVY
    assert set() == loaded & {"pgqueue.cli.app", "pgqueue.process.supervisor"}
