"""Many attempts at once as greenlets of one patched process: IO-bound work.

The slots are greenlets that live as long as the worker; each takes the next attempt when its
last one ended. Imported only in a process that gevent has patched.
"""

from collections.abc import Callable

import gevent
from gevent.event import Event
from gevent.hub import get_hub
from greenlet import getcurrent, settrace

from pgqueue.worker.running import Held, Running


class GreenletExecutor:
    """Runs attempts in as many greenlets as there are slots.

    Args:
        run: Runs one attempt to its end, on the greenlet that calls it.
    """

    def __init__(self, running: Running, run: Callable[[Held], None]) -> None:
        self._running = running
        self._run = run
        self._closed = Event()
        self._runs: dict[int, Held] = {}
        self._shown: Held | None = None

    def serve(self) -> None:
        """Run what arrives until the executor is closed."""
        settrace(self._switched)
        slots = [gevent.spawn(self._slot) for _ in range(self._running.slots)]
        self._closed.wait()
        for _ in slots:
            self._running.waiting.put(None)

    def kick(self) -> None:
        """Nothing to do: the slots wait for what arrives."""

    def close(self) -> None:
        """Let `serve` return; attempts that run go on until their greenlets end."""
        self._closed.set()

    def current(self) -> Held | None:
        """The attempt whose task's code the running greenlet is in."""
        held = self._runs.get(id(getcurrent()))
        return held if held is not None and held.is_exposed else None

    def throw(self, held: Held, error: BaseException) -> None:
        """Raise *error* in the task where it waits."""
        # From the hub and not from here: a handler may have interrupted any greenlet. By then
        # the attempt may have ended and its greenlet be in another one.
        get_hub().loop.run_callback(self._throw_now, held, error)

    def _throw_now(self, held: Held, error: BaseException) -> None:
        slot = held.runner
        if held.is_exposed and isinstance(slot, gevent.Greenlet):
            slot.throw(error)

    def _switched(self, event: str, greenlets: tuple[object, object]) -> None:
        # At each switch of a greenlet, so that a stuck one has told who it is.
        held = self._runs.get(id(greenlets[1]))
        if held is not self._shown:
            self._shown = held
            self._running.show(held)

    def _slot(self) -> None:
        slot = getcurrent()
        while (held := self._running.take_next()) is not None:
            held.runner = slot
            self._runs[id(slot)] = self._shown = held
            self._run(held)
            del self._runs[id(slot)]
            self._shown = None
