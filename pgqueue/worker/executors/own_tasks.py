"""Shows each job of an event loop its own asyncio tasks, and not those of its neighbours.

A job that cancels `asyncio.all_tasks()` would otherwise end every job of the worker. Installed
before the application is imported, which may keep a reference to `all_tasks`.
"""

import asyncio
from collections.abc import Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any, Final

# The run whose code is executed: of the job itself, its child tasks and its callbacks.
_RUN: Final[ContextVar[object]] = ContextVar("pgqueue_run", default=None)

_all_tasks: Final = asyncio.all_tasks

_KNOW_THEIR_CONTEXT: Final = hasattr(asyncio.Task, "get_context")


class _Shared:
    """The loop that jobs share.

    Attributes:
        loop: None while no job runs. The thread of the loop writes it.
    """

    loop: asyncio.AbstractEventLoop | None = None


class _Task(asyncio.Task[Any]):
    """A task that knows its context, as every task does from Python 3.12 on."""

    def __init__(self, coroutine: Any, *, context: Context | None = None, **options: Any) -> None:
        self._own_context = copy_context() if context is None else context
        super().__init__(coroutine, context=self._own_context, **options)

    def get_context(self) -> Context:
        return self._own_context


def install() -> None:
    """Replace `asyncio.all_tasks` in this process."""
    asyncio.all_tasks = asyncio.tasks.all_tasks = all_tasks


def all_tasks(loop: asyncio.AbstractEventLoop | None = None) -> set[asyncio.Task[Any]]:
    """Return the tasks of a loop; of a loop that jobs share, the tasks of the caller's job."""
    found = _all_tasks(loop)
    shared = _Shared.loop
    if shared is None or (loop or asyncio.get_running_loop()) is not shared:
        return found
    run = _RUN.get()
    return {task for task in found if _run_of(task) is run}


def share(loop: asyncio.AbstractEventLoop | None) -> None:
    """Tell apart the tasks of the jobs that share this loop from now on; None for no loop."""
    _Shared.loop = loop
    if loop is not None and not _KNOW_THEIR_CONTEXT:
        loop.set_task_factory(_make_task)


def start_run(
    loop: asyncio.AbstractEventLoop,
    run: object,
    coroutine: Coroutine[Any, Any, None],
    context: Context,
) -> asyncio.Task[None]:
    """Start the task of a run; it is not made by a task factory of the application."""
    context.run(_RUN.set, run)
    make: Any = asyncio.Task if _KNOW_THEIR_CONTEXT else _Task
    task: asyncio.Task[None] = make(coroutine, loop=loop, context=context)
    return task


def _run_of(task: Any) -> object:
    get_context = getattr(task, "get_context", None)
    return None if get_context is None else get_context().get(_RUN)


def _make_task(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> Any:
    return _Task(coroutine, loop=loop, **options)
