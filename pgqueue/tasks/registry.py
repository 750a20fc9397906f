"""The tasks that this process knows, by name and by alias.

`@task` fills it while modules are imported; workers and the command line read it. It is the only
way from a name in a row to a function that runs.
"""

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
        """Add a task; after a reload it replaces the former task of its function.

        Raises:
            InvalidTask: Another function answers to one of its names.
        """
        with self._changing:
            for name in task.names:
                other = self._by_name.get(name)
                # A task whose module failed to import does not keep its names.
                if other is not None and other.path != task.path and other.is_there:
                    raise InvalidTask(
                        task.path,
                        f"{other.path} answers to {name!r} already. Give one of them another name.",
                    )
            others = {
                name: other for name, other in self._by_name.items() if other.path != task.path
            }
            self._by_name = others | dict.fromkeys(task.names, task)

    def find(self, name: str) -> "Task[..., Any] | None":
        """Return the task that answers to a name, or None."""
        return self._by_name.get(name)

    def tasks(self) -> "list[Task[..., Any]]":
        """Return every task once, by name."""
        by_path = {task.path: task for task in self._by_name.values()}
        return sorted(by_path.values(), key=lambda task: task.name)

    def names(self) -> list[str]:
        """Return every name and alias."""
        return sorted(self._by_name)


REGISTRY: Final = Registry()
"""The registry of this process."""
