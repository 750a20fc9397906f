"""A row runs only an object that `@task` made, in the packages that its worker loads."""

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
    from tests.security.conftest import Burst, Logins

APP = Path(__file__).parent / "app"
SOURCES = sorted(Path(pgqueue.__file__).parent.rglob("*.py"))

# `bomb` and `shop.__main__` write a file at their import; `shop` is the loaded package.
HOSTILE = [
    "os.system",
    "builtins.exec",
    "builtins.eval",
    "subprocess.run",
    "importlib.import_module",
    "a.b.__class__",
    "bomb.explode",
    "bomb",
    "shop.__main__.run",
    "shop.__main__",
    "shop.chores.os.system",
    "shop.chores.psycopg.connect",
    "shop.chores.not_a_task",
    "shop.chores.tidy.function",
    "shop.chores.tidy.__call__",
    "shop.chores.tidy.function.__globals__",
    "shop.chores.Broom.method",
    "shop.chores:tidy",
    "shop.chores..tidy",
    "shop/chores.tidy",
    "../bomb.explode",
    ".chores.tidy",
    "ｓhop.chores.tidy",
    "shop.chores.tidy ",
    "shop.chores.tidy\n",
    "shop.chores.TIDY",
    "lambda: 1",
    "__import__('bomb')",
    " ",
]


@pytest.fixture
def shop_package(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Load the package `shop` as a worker does, and unload it after the test."""
    monkeypatch.syspath_prepend(str(APP))
    monkeypatch.setattr(loading, "LOADER", loading.TaskLoader())
    loading.load(["shop.chores"])
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in ("shop", "bomb")]:
        del sys.modules[name]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_of_no_task_raises_unknown_task_and_imports_nothing(
    shop_package: None, name: str
) -> None:
    with pytest.raises(UnknownTask):
        loading.resolve(name)

    assert "bomb" not in sys.modules
    assert "shop.__main__" not in sys.modules


def test_a_task_of_a_loaded_package_is_found(shop_package: None) -> None:
    assert "shop.chores.tidy" == loading.resolve("shop.chores.tidy").name
    assert "shop.storage.store" == loading.resolve("shop.storage.store").name


def test_a_worker_does_not_claim_hostile_rows(
    logins: "Logins", client: Client, burst: "Burst", tmp_path: Path
) -> None:
    ids = [
        logins.admin.execute("select pgqueue.enqueue(%s)", [name]).fetchall()[0][0]
        for name in HOSTILE
    ]
    good = client.enqueue("shop.chores.tidy")

    output = burst(
        logins.url("worker"), "--tasks", "shop.chores", PGQUEUE_BOMB=str(tmp_path / "burst")
    )

    assert 1 == output.returncode, output.stderr
    assert JobStatus.SUCCEEDED is client.job(good.id).status
    hostile = client.jobs(ids=ids, limit=1_000)
    assert {(JobStatus.QUEUED, 0)} == {(job.status, job.failure_count) for job in hostile}
    assert [] == list(tmp_path.iterdir())


def test_no_code_evaluates_stored_text() -> None:
    forbidden = {"eval", "exec", "compile", "__import__", "pickle", "marshal", "shelve", "yaml"}

    uses = {f"{path.name}: {name}" for path in SOURCES for name in _used(path) if name in forbidden}

    # That module raises an error of pickle, and reads no pickle.
    assert {"pickling.py: pickle"} == uses


def test_modules_are_imported_by_name_in_five_files_only() -> None:
    files = {path.name for path in SOURCES if "import_module" in _used(path)}

    # The public names, the tasks, the executors, the commands of the command line; and the tasks in
    # a pickle, which imports its modules anyway.
    assert {"__init__.py", "loading.py", "worker.py", "app.py", "pickling.py"} == files


def test_no_call_composes_the_sql_that_it_sends() -> None:
    calls = [
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

    assert [] == calls


def _used(path: Path) -> set[str]:
    """The names of called functions and of imported modules."""
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
