"""Loading of task modules, and the way from a name in a row to a task.

Imports the modules that it was told, and beyond them only modules of the same top-level
packages. What it returns was made by `@task`: a path to any other object leads nowhere.
"""

import difflib
import importlib
import os
import sys
import traceback
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from pgqueue.core.errors import TaskModuleBroken, TaskModuleNotFound, UnknownTask
from pgqueue.tasks.registry import REGISTRY

if TYPE_CHECKING:
    from pgqueue.tasks.task import Task

_packages: set[str] = set()


def load(modules: Iterable[str]) -> "list[Task[..., Any]]":
    """Import modules and return every task that is known then.

    The current folder is put on the path first, as `python -m` does.

    Raises:
        TaskModuleNotFound: There is no module of that name.
        TaskModuleBroken: A module raised while it was imported; the cause is chained.
    """
    folder = os.getcwd()
    if folder not in sys.path and "" not in sys.path:
        sys.path.insert(0, folder)
    for module in modules:
        if not _import(module):
            raise TaskModuleNotFound(module, _advice(module, folder))
        _packages.add(module.partition(".")[0])
    return REGISTRY.tasks()


def resolve(name: str) -> "Task[..., Any]":
    """Return the task that answers to a name, importing its module when it may.

    Raises:
        UnknownTask: There is none, or its module lies outside the told ones' packages.
        TaskModuleBroken: Its module raised while it was imported.
    """
    found = REGISTRY.find(name)
    if found is None and name.partition(".")[0] in _packages:
        for module in _modules_of(name):
            if _import(module):
                break
        found = REGISTRY.find(name)
    if found is None:
        raise UnknownTask(name, _suggestion(name))
    return found


def module_of(name: str) -> str:
    """The module that a task's canonical path most likely lies in."""
    return name.rpartition(".")[0] or name


def _modules_of(name: str) -> Iterator[str]:
    """The modules that a canonical path may lie in, longest first."""
    parts = name.split(".")
    # No row starts a program: `shop.__main__` is run by being imported.
    if all(part.isidentifier() and not part.startswith("__") for part in parts):
        for length in range(len(parts) - 1, 0, -1):
            yield ".".join(parts[:length])


def _import(module: str) -> bool:
    """Import a module, and tell whether there is one of that name."""
    if not all(part.isidentifier() for part in module.split(".")):
        return False
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        # Also raised for an import inside the module, which is another matter.
        missing = error.name or ""
        if module == missing or module.startswith(f"{missing}."):
            return False
        raise TaskModuleBroken(module, _last_line(error)) from error
    except (Exception, SystemExit) as error:
        # A script without `if __name__ == "__main__":` may leave by SystemExit.
        raise TaskModuleBroken(module, _last_line(error)) from error
    return True


def _last_line(error: BaseException) -> str:
    return traceback.format_exception_only(error)[-1].strip().rstrip(".")


def _advice(module: str, folder: str) -> str:
    if module.endswith(".py") or "/" in module:
        dotted = module.removesuffix(".py").strip("./").replace("/", ".")
        return f"Modules are named as in an import: did you mean {dotted!r}?"
    return f"Modules are looked for in {folder} and among the installed packages."


def _suggestion(name: str) -> str | None:
    close = difflib.get_close_matches(name, REGISTRY.names(), 1)
    if close:
        return close[0]
    last = name.rpartition(".")[2]
    return next((known for known in REGISTRY.names() if known.rpartition(".")[2] == last), None)
