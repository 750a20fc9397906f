"""Loading of task modules, and the way from a name in a row to a task.

Imports the modules that the settings name, and beyond them only modules of the same top-level
packages. It returns only tasks that `@task` made: a path to any other object is unknown.
"""

import importlib
import os
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from threading import RLock
from typing import TYPE_CHECKING, Any

from pgqueue.core.decisions import JobCancelled, JobInterrupted, JobTimeout
from pgqueue.core.errors import TaskModuleBroken, TaskModuleNotFound, UnknownTask
from pgqueue.core.similar_name import similar_name
from pgqueue.tasks.registry import REGISTRY, Registry

if TYPE_CHECKING:
    from pgqueue.tasks.task import Task

# Raised into an import from outside: the module is not broken.
_FROM_OUTSIDE = (JobTimeout, JobCancelled, JobInterrupted)


class TaskLoader:
    """Imports modules and finds tasks by name.

    `load` runs at start, on the main thread. `resolve` and `may_import` run on any thread or
    greenlet that runs a job; the locks of `_locks` keep two of them from importing one module.

    Attributes:
        packages: The top-level packages that `resolve` may import from. Only `load` writes it.
        broken: The modules that `resolve` could not import, with the reason. They are not imported
            again for each name in a row.
        importing: The modules that `resolve` imports now, once for each thread or greenlet that
            imports one or waits for it.
    """

    def __init__(self, registry: Registry = REGISTRY) -> None:
        self._registry = registry
        self.packages: set[str] = set()
        self.broken: dict[str, str] = {}
        self.importing: list[str] = []
        self._locks: dict[str, AbstractContextManager[Any]] = {}

    def load(self, modules: Iterable[str]) -> "list[Task[..., Any]]":
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
                exists = _import(module)
            except TaskModuleBroken as broken:
                if isinstance(broken.__cause__, KeyboardInterrupt):
                    raise KeyboardInterrupt from None  # the person stops the command
                raise
            except _FROM_OUTSIDE as error:
                # No job runs at the start, so the module raised it itself.
                raise TaskModuleBroken(module, _last_line(error)) from error
            if not exists:
                raise TaskModuleNotFound(module, _advice(module, folder))
            self.packages.add(module.partition(".")[0])
        return [task for task in self._registry.tasks() if task.is_whole]

    def may_import(self, name: str) -> bool:
        """Return whether `resolve` would run the code of a module to find a task.

        This code may run for ever, or end the process. So it has to run where a task would.
        """
        if (task := self._registry.find(name)) is not None:
            return not task.is_whole
        if name.partition(".")[0] not in self.packages:
            return False
        if self.importing:
            return True  # a module under import looks like a whole one
        parent = None
        for module in _modules_of(name):
            if module in self.broken:
                return False
            if module not in sys.modules:
                # Below a package there may be a module; below a module there is none.
                return parent is None or hasattr(sys.modules[parent], "__path__")
            parent = module
        return False

    def resolve(self, name: str) -> "Task[..., Any]":
        """Return the task that answers to a name, and import its module if that is allowed.

        A module that raised is not imported again. While another thread or greenlet imports the
        task's module, this one waits: until then the task's globals may be missing. The tasks of
        a module whose import failed are unknown.

        Raises:
            UnknownTask: There is none, or its module lies outside `packages`.
            TaskModuleBroken: Its module raised while it was imported.
        """
        task = self._registry.find(name)
        if task is not None and not task.is_whole:
            self._import_once(task.function.__module__)
            task = self._registry.find(name)
        elif task is None and name.partition(".")[0] in self.packages:
            for module in _modules_of(name):
                if not self._import_once(module):
                    break
            task = self._registry.find(name)
        if task is None or not task.is_whole:
            raise UnknownTask(name, self._suggestion(name))
        return task

    def _import_once(self, module: str) -> bool:
        self.importing.append(module)
        try:
            with self._locks.setdefault(module, RLock()):
                # A thread that waited while the module failed must not import it again.
                if module in self.broken:
                    raise TaskModuleBroken(module, self.broken[module])
                return _import(module)
        except TaskModuleBroken as broken:
            self.broken[module] = broken.reason
            raise
        finally:
            self.importing.remove(module)
            if module not in self.importing:
                self._locks.pop(module, None)

    def _suggestion(self, name: str) -> str | None:
        names = self._registry.names()
        if similar := similar_name(name, names):
            return similar
        last = name.rpartition(".")[2]
        return next((known for known in names if known.rpartition(".")[2] == last), None)


LOADER = TaskLoader()
"""The loader of this process."""


def load(modules: Iterable[str]) -> "list[Task[..., Any]]":
    """Import modules and return every task that is known then: `TaskLoader.load`."""
    return LOADER.load(modules)


def may_import(name: str) -> bool:
    """Return whether `resolve` would run the code of a module: `TaskLoader.may_import`."""
    return LOADER.may_import(name)


def resolve(name: str) -> "Task[..., Any]":
    """Return the task that answers to a name: `TaskLoader.resolve`."""
    return LOADER.resolve(name)


def module_of(name: str) -> str:
    """Return the module that the task of a canonical path most likely lies in."""
    return name.rpartition(".")[0] or name


def _modules_of(name: str) -> Iterator[str]:
    """The modules that a canonical path may lead through, the outermost first."""
    parts = name.split(".")
    # No row may start a program: importing `shop.__main__` would run it.
    if all(part.isidentifier() and not part.startswith("__") for part in parts):
        for length in range(1, len(parts)):
            yield ".".join(parts[:length])


def _import(module: str) -> bool:
    """Import a module; False when there is none of that name."""
    if not all(part.isidentifier() for part in module.split(".")):
        return False
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        # Also raised for an import inside the module, which means that the module is broken.
        missing = error.name or ""
        if module == missing or module.startswith(f"{missing}."):
            return False
        raise TaskModuleBroken(module, _last_line(error)) from error
    except _FROM_OUTSIDE:
        raise
    except BaseException as error:
        # A script without `if __name__ == "__main__":` may raise SystemExit, and a module of
        # tests the exception that skips it.
        raise TaskModuleBroken(module, _last_line(error)) from error
    return True


def _last_line(error: BaseException) -> str:
    return traceback.format_exception_only(error)[-1].strip().rstrip(".")


def _advice(module: str, folder: str) -> str:
    if module.endswith(".py") or "/" in module:
        dotted = module.removesuffix(".py").strip("./").replace("/", ".")
        return f"Modules are named as in an import: did you mean {dotted!r}?"
    return f"Modules are looked for in {folder} and among the installed packages."
