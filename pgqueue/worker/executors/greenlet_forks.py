"""The greenlets of a worker in its forks: the one that forked goes on, and all others stand still.

A greenlet cannot be removed: to end it would run its `finally` blocks, a second time after those
in the worker. It is sent back whenever something switches to it. The hub and its loop stay, as
the sockets that the fork inherits belong to them.
"""

import gc
import sys
from typing import Any, Final

from gevent.hub import get_hub
from greenlet import getcurrent, greenlet, settrace

from pgqueue.worker import forks

# The ends of greenlets that nothing refers to would run their `finally` blocks.
_KEPT: Final[list[object]] = []


def stop_other_greenlets() -> None:
    """In a fork, keep all greenlets from running but the current one and those that start later."""
    _Fork().enter()


class _Fork:
    """The switches of one fork.

    Attributes:
        _forked: The greenlet that forked.
        _allowed: The greenlets that may run, by id; they are kept, so that ids stay unique.
        _is_silent: Whether nothing wakes the other greenlets any more.
    """

    def __init__(self) -> None:
        self._forked = getcurrent()
        self._hub = get_hub()
        self._main = self._hub.parent
        self._allowed = {id(one): one for one in (self._forked, self._hub)}
        self._is_silent = False

    def enter(self) -> None:
        """Check each switch from now on."""
        _KEPT.append(self)
        settrace(self._on_switch)

    def _on_switch(self, event: str, greenlets: tuple[Any, Any]) -> None:
        # Runs in the greenlet that is switched to, before anything of it goes on.
        origin, target = greenlets
        if self._forked.dead:
            forks.leave(getattr(self._forked, "exception", None))
        if id(target) in self._allowed:
            return
        if sys._getframe().f_back is None:  # it starts only now
            self._allowed[id(target)] = target
            return
        if target is self._main and event == "throw":
            # Nothing can happen in this process any more, or an error is to end it.
            forks.leave(getattr(self._forked, "exception", None))
        if not self._is_silent:
            self._is_silent = True
            self._stop_watchers()
        while True:
            origin.switch()

    def _stop_watchers(self) -> None:
        # A socket that can be read would wake its greenlet again and again. A search through all
        # objects takes some 30 ms, so that it waits until a greenlet is woken: most forks only
        # start a program.
        gc.unfreeze()  # the collector does not list what a worker has frozen at its start
        watcher_type: Any = type(self._hub.loop.io(0, 1)).__mro__[-2]
        thing: Any
        for thing in gc.get_objects():
            if isinstance(thing, watcher_type) and thing.active:
                waiter = getattr(thing.callback, "__self__", None)
                owner = (
                    waiter if isinstance(waiter, greenlet) else getattr(waiter, "greenlet", None)
                )
                if isinstance(owner, greenlet) and id(owner) not in self._allowed:
                    _KEPT.append((thing.callback, thing.args))
                    thing.stop()
