"""The event loops that greenlets of one thread run at the same time, one in each greenlet.

Python keeps the running loop once for a thread. Without this module, all greenlets would see the
loop of one: a second `asyncio.run` is refused, and so is Django's ORM in a job without a loop.
"""

import sys
from asyncio import AbstractEventLoop, Task, tasks
from asyncio.events import _get_running_loop, _set_running_loop
from typing import Any, Final, NamedTuple

from greenlet import greenlet

_NO_HOOKS: Final = (None, None)

# From Python 3.14 on, the current task is kept once for a thread, too.
_swap_current_task: Any = getattr(tasks, "_swap_current_task", lambda loop, task: None)

running_loop: Final = _get_running_loop


class _LoopState(NamedTuple):
    """What a thread keeps for its running loop."""

    loop: AbstractEventLoop
    task: Task[Any] | None
    hooks: Any


class RunningLoops:
    """Gives each greenlet its own running loop.

    Attributes:
        suspended: The loop of each greenlet that waits inside its loop, by the greenlet's id. A
            greenlet runs once more before it dies, so no other one has its id. Main thread.
    """

    def __init__(self) -> None:
        self.suspended: dict[int, _LoopState] = {}

    def switch(self, origin: greenlet, target: greenlet) -> None:
        """Take the loop of the greenlet that stops, and set the one of that which goes on."""
        loop = _get_running_loop()
        if loop is not None:
            task = _swap_current_task(loop, None)
            if not origin.dead:
                self.suspended[id(origin)] = _LoopState(loop, task, sys.get_asyncgen_hooks())
            sys.set_asyncgen_hooks(*_NO_HOOKS)
            _set_running_loop(None)
        state = self.suspended.pop(id(target), None)
        if state is not None:
            _set_running_loop(state.loop)
            sys.set_asyncgen_hooks(*state.hooks)
            _swap_current_task(state.loop, state.task)
