"""Many attempts at once as greenlets of one patched process: IO-bound work.

The slots are greenlets that live as long as the worker; each takes the next attempt when its
last one ended. Imported only in a process that gevent has patched.
"""

from collections.abc import Callable

import gevent
from gevent.event import Event
from gevent.hub import get_hub
from greenlet import getcurrent, settrace

from pgqueue.worker.in_flight import ActiveAttempt, InFlight


class GreenletExecutor:
    """Runs attempts in as many greenlets as there are slots.

    Args:
        run: Runs one attempt to its end, on the greenlet that calls it.
    """

    def __init__(self, in_flight: InFlight, run: Callable[[ActiveAttempt], None]) -> None:
        self._in_flight = in_flight
        self._run = run
        self._closed = Event()
        self._runs: dict[int, ActiveAttempt] = {}
        self._shown: ActiveAttempt | None = None

    def serve(self) -> None:
        """Run what arrives until the executor is closed."""
        settrace(self._switched)
        slots = [gevent.spawn(self._slot) for _ in range(self._in_flight.slots)]
        self._closed.wait()
        for _ in slots:
            self._in_flight.waiting.put(None)

    def wake(self) -> None:
        """Nothing to do: the slots wait for what arrives."""

    def close(self) -> None:
        """Let `serve` return; attempts that run go on until their greenlets end."""
        self._closed.set()

    def current(self) -> ActiveAttempt | None:
        """The attempt whose task's code the running greenlet is in."""
        attempt = self._runs.get(id(getcurrent()))
        return attempt if attempt is not None and attempt.is_interruptible else None

    def throw(self, attempt: ActiveAttempt, error: BaseException) -> None:
        """Raise *error* in the task where it waits."""
        # From the hub and not from here: a handler may have interrupted any greenlet. By then
        # the attempt may have ended and its greenlet be in another one.
        get_hub().loop.run_callback(self._throw_now, attempt, error)

    def _throw_now(self, attempt: ActiveAttempt, error: BaseException) -> None:
        slot = attempt.runner
        if attempt.is_interruptible and isinstance(slot, gevent.Greenlet):
            slot.throw(error)

    def _switched(self, event: str, greenlets: tuple[object, object]) -> None:
        # At each switch of a greenlet, so that a stuck one has told who it is.
        attempt = self._runs.get(id(greenlets[1]))
        if attempt is not self._shown:
            self._shown = attempt
            self._in_flight.show(attempt)

    def _slot(self) -> None:
        slot = getcurrent()
        while (attempt := self._in_flight.take_next()) is not None:
            attempt.runner = slot
            self._runs[id(slot)] = self._shown = attempt
            self._run(attempt)
            del self._runs[id(slot)]
            self._shown = None
