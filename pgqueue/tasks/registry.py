"""The tasks that this process knows, by name and by alias.

`@task` fills it while modules are imported; workers and the command line read it. It is the only
way from a name in a row to a function that runs.
"""

import inspect
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from pgqueue.core.errors import InvalidTask

if TYPE_CHECKING:
    from pgqueue.tasks.task import Task


class Registry:
    """Tasks by each name that they answer to; any thread may register and read.

    `register` replaces the dictionary as a whole, so that readers need no lock.
    """

    def __init__(self) -> None:
        self._by_name: dict[str, Task[..., Any]] = {}
        self._changing = Lock()

    def register(self, task: "Task[..., Any]") -> None:
        """Add a task; after a reload it replaces the former task of that path and name.

        Raises:
            InvalidTask: Another task answers to one of its names.
        """
        with self._changing:
            others = {
                name: other
                for name, other in self._by_name.items()
                if not _is_replaced(other, by=task)
            }
            for name in task.names:
                other = others.get(name)
                # A task whose module failed to import does not keep its names.
                if other is not None and other.is_there:
                    owner = other.path
                    if owner == task.path:
                        owner = f"The task {other.name!r}, of this function too,"
                    raise InvalidTask(
                        task.path,
                        f"{owner} answers to {name!r} already. Give one of them another name.",
                    )
            self._by_name = others | dict.fromkeys(task.names, task)

    def find(self, name: str) -> "Task[..., Any] | None":
        """Return the task that answers to a name, or None."""
        return self._by_name.get(name)

    def tasks(self) -> "list[Task[..., Any]]":
        """Return every task once, by name."""
        return sorted(set(self._by_name.values()), key=lambda task: task.name)

    def names(self) -> list[str]:
        """Return every name and alias."""
        return sorted(self._by_name)


def _is_replaced(former: "Task[..., Any]", *, by: "Task[..., Any]") -> bool:
    if former.path != by.path:
        return False
    if former.name == by.name or not former.is_there:
        return True
    # A factory makes several tasks of one code object. A reload compiles the function anew, perhaps
    # under another name, and the former name is an alias then.
    is_reloaded = _code_of(former) is not _code_of(by)
    return is_reloaded and not set(former.names).isdisjoint(by.names)


def _code_of(task: "Task[..., Any]") -> object:
    return getattr(inspect.unwrap(task.function), "__code__", None)


REGISTRY: Final = Registry()
"""The registry of this process."""
