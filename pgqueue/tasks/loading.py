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
from contextlib import AbstractContextManager
from threading import RLock
from typing import TYPE_CHECKING, Any

from pgqueue.core.current import JobCancelled, JobInterrupted, JobTimeout
from pgqueue.core.errors import TaskModuleBroken, TaskModuleNotFound, UnknownTask
from pgqueue.tasks.registry import REGISTRY

if TYPE_CHECKING:
    from pgqueue.tasks.task import Task

_packages: set[str] = set()

# What `resolve` could not import, with the reason: it is not run again for each name in a row.
_broken: dict[str, str] = {}

# Modules that `resolve` imports right now, on other threads or greenlets, and a lock for each.
_under_way: list[str] = []
_importing: dict[str, AbstractContextManager[Any]] = {}

# Raised into an import from outside, and no fault of the module.
_TOLD = (JobTimeout, JobCancelled, JobInterrupted)


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
        try:
            is_there = _import(module)
        except TaskModuleBroken as broken:
            if isinstance(broken.__cause__, KeyboardInterrupt):
                raise KeyboardInterrupt from None  # a person's, who waits for it to load
            raise
        if not is_there:
            raise TaskModuleNotFound(module, _advice(module, folder))
        _packages.add(module.partition(".")[0])
    return [task for task in REGISTRY.tasks() if task.is_whole]


def may_import(name: str) -> bool:
    """Whether `resolve` would run code of a module to look for that task.

    That code may take for ever, or end the process, so it runs where a task would.
    """
    if (found := REGISTRY.find(name)) is not None:
        return not found.is_whole
    if name.partition(".")[0] not in _packages:
        return False
    if _under_way:
        return True  # what is half imported cannot be told from what is whole
    above = None
    for module in _modules_of(name):
        if module in _broken:
            return False
        if module not in sys.modules:
            # Below a package there may be a module yet; below a module there is none.
            return above is None or hasattr(sys.modules[above], "__path__")
        above = module
    return False


def resolve(name: str) -> "Task[..., Any]":
    """Return the task that answers to a name, importing its module when it may.

    A module that raised is not imported again. A task of one that is being imported, by another
    thread or greenlet, is waited for: until then what it needs may not be there. A task whose
    module came to nothing is none.

    Raises:
        UnknownTask: There is none, or its module lies outside the told ones' packages.
        TaskModuleBroken: Its module raised while it was imported.
    """
    found = REGISTRY.find(name)
    if found is not None and not found.is_whole:
        _import_once(found.function.__module__)
        found = REGISTRY.find(name)
    elif found is None and name.partition(".")[0] in _packages:
        for module in _modules_of(name):
            if not _import_once(module):
                break
        found = REGISTRY.find(name)
    if found is None or not found.is_whole:
        raise UnknownTask(name, _suggestion(name))
    return found


def module_of(name: str) -> str:
    """The module that a task's canonical path most likely lies in."""
    return name.rpartition(".")[0] or name


def _modules_of(name: str) -> Iterator[str]:
    """The modules that a canonical path may lead through, the outermost first."""
    parts = name.split(".")
    # No row starts a program: `shop.__main__` is run by being imported.
    if all(part.isidentifier() and not part.startswith("__") for part in parts):
        for length in range(1, len(parts)):
            yield ".".join(parts[:length])


def _import_once(module: str) -> bool:
    _under_way.append(module)
    try:
        # Whoever waited while it broke must not run it once more.
        with _importing.setdefault(module, RLock()):
            if module in _broken:
                raise TaskModuleBroken(module, _broken[module])
            return _import(module)
    except TaskModuleBroken as broken:
        _broken[module] = broken.reason
        raise
    finally:
        _under_way.remove(module)
        if module not in _under_way:
            _importing.pop(module, None)


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
    except _TOLD:
        raise
    except BaseException as error:
        # A script without `if __name__ == "__main__":` may leave by SystemExit, a module of
        # tests by what its runner skips them with.
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
