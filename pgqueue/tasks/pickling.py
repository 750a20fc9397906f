"""A task in a pickle: its module, its qualname and its name, as of a function.

Reading the pickle imports the module, as Python does for a function.
"""

import importlib
import operator
from typing import TYPE_CHECKING, Any

from pgqueue.core.errors import UnknownTask
from pgqueue.tasks.registry import REGISTRY

if TYPE_CHECKING:
    from pgqueue.tasks.task import Task

Reference = tuple[str, str, str | None]
"""The module and the qualname of a task's function, and its option `name`."""


def reference_to(task: "Task[..., Any]") -> Reference:
    """Return what `task_of` finds the task by.

    Raises:
        PicklingError: Another process could not find it.
    """
    function = task.function
    reference = (function.__module__, function.__qualname__, task.options.name)
    try:
        found = task_of(*reference)
    except UnknownTask:
        found = None
    if found is not task:
        # Imported late: every program with a task would pay for it.
        import pickle

        raise pickle.PicklingError(
            f"Can't pickle {task!r}: it is neither {function.__module__}.{function.__qualname__} "
            "nor the task of that name."
        )
    return reference


def task_of(module: str, qualname: str, name: str | None) -> "Task[..., Any]":
    """Return the task of a reference.

    Raises:
        UnknownTask: Its module has no such task.
        ImportError: Its module cannot be imported.
    """
    from pgqueue.tasks.task import Task

    imported = importlib.import_module(module)
    try:
        found = operator.attrgetter(qualname)(imported)
    except AttributeError:
        found = None
    # The module's attribute may be another decorator's wrapper, or another task of the function.
    if isinstance(found, Task) and found.options.name == name:
        return found
    known = REGISTRY.find(name or f"{module}.{qualname}")
    if known is None:
        raise UnknownTask(name or f"{module}.{qualname}")
    return known
