"""What a row names is run only if `@task` made it, in a module that the worker was told."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pgqueue
from pgqueue.client.client import Client
from pgqueue.core.errors import UnknownTask
from pgqueue.core.lifecycle import JobStatus
from pgqueue.tasks import loading

if TYPE_CHECKING:
    from tests.security.conftest import Burst, Crowd

APP = Path(__file__).parent / "app"
SOURCES = sorted(Path(pgqueue.__file__).parent.rglob("*.py"))

# `bomb` and `house.__main__` write a file when they are imported; `house` is the told package.
HOSTILE = [
    "os.system",
    "builtins.exec",
    "builtins.eval",
    "subprocess.run",
    "importlib.import_module",
    "a.b.__class__",
    "bomb.explode",
    "bomb",
    "house.__main__.run",
    "house.__main__",
    "house.rooms.os.system",
    "house.rooms.psycopg.connect",
    "house.rooms.not_a_task",
    "house.rooms.tidy.function",
    "house.rooms.tidy.__call__",
    "house.rooms.tidy.function.__globals__",
    "house.rooms.QueueDatabase.method",
    "house.rooms:tidy",
    "house.rooms..tidy",
    "house/rooms.tidy",
    "../bomb.explode",
    ".rooms.tidy",
    "ｈouse.rooms.tidy",
    "house.rooms.tidy ",
    "house.rooms.tidy\n",
    "house.rooms.TIDY",
    "lambda: 1",
    "__import__('bomb')",
    " ",
]


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package `house` as a worker loads it, and no trace of it afterwards."""
    monkeypatch.syspath_prepend(str(APP))
    monkeypatch.setattr(loading, "LOADER", loading.TaskLoader())
    loading.load(["house.rooms"])
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in ("house", "bomb")]:
        del sys.modules[name]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_no_task_has_leads_nowhere(house: None, name: str) -> None:
    with pytest.raises(UnknownTask):
        loading.resolve(name)

    assert "bomb" not in sys.modules
    assert "house.__main__" not in sys.modules


def test_a_task_of_a_told_package_is_found(house: None) -> None:
    assert "house.rooms.tidy" == loading.resolve("house.rooms.tidy").name
    assert "house.cellar.store" == loading.resolve("house.cellar.store").name


def test_a_worker_leaves_hostile_rows_alone(
    crowd: "Crowd", client: Client, burst: "Burst", tmp_path: Path
) -> None:
    ids = [
        crowd.admin.execute("select pgqueue.enqueue(%s)", [name]).fetchall()[0][0]
        for name in HOSTILE
    ]
    good = client.enqueue("house.rooms.tidy")

    said = burst(
        crowd.url("worker"), "--tasks", "house.rooms", PGQUEUE_BOMB=str(tmp_path / "burst")
    )

    assert 1 == said.returncode, said.stderr
    assert JobStatus.SUCCEEDED is client.job(good.id).status
    left = client.jobs(ids=ids, limit=1_000)
    assert {(JobStatus.QUEUED, 0)} == {(job.status, job.failure_count) for job in left}
    assert [] == list(tmp_path.iterdir())


def test_nothing_stored_is_ever_evaluated() -> None:
    forbidden = {"eval", "exec", "compile", "__import__", "pickle", "marshal", "shelve", "yaml"}

    found = {
        f"{path.name}: {name}" for path in SOURCES for name in _used(path) if name in forbidden
    }

    assert set() == found


def test_modules_are_imported_by_name_in_four_places_alone() -> None:
    found = {path.name for path in SOURCES if "import_module" in _used(path)}

    # What is exported, tasks, executors, and the commands that the command line lists itself.
    assert {"__init__.py", "loading.py", "worker.py", "app.py"} == found


def test_no_sql_is_composed_of_text_where_it_is_sent() -> None:
    found = [
        f"{path.name}:{call.lineno}"
        for path in SOURCES
        if path.parent.name != "demo"  # an application, as yours is
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in ("execute", "fetch", "copy", "exec_driver_sql")
        and call.args
        and any(isinstance(part, ast.JoinedStr | ast.BinOp) for part in ast.walk(call.args[0]))
    ]

    assert [] == found


def _used(path: Path) -> set[str]:
    """The names of functions called and of modules imported."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            function = node.func
            owner = getattr(function, "value", None)
            is_bare = isinstance(function, ast.Name)
            if is_bare or (isinstance(owner, ast.Name) and owner.id in ("builtins", "importlib")):
                names.add(getattr(function, "id", "") or getattr(function, "attr", ""))
        elif isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names
