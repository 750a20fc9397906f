"""Runs many jobs at once, as greenlets of one patched process: for IO-bound work.

The slots are greenlets that live as long as the worker; each takes the next run when its
last one ended. Imported only in a process that gevent has patched.
"""

from collections.abc import Callable
from types import FrameType

import gevent
from gevent.event import Event
from gevent.hub import get_hub
from greenlet import getcurrent, greenlet, settrace

from pgqueue.core.events.event import emit
from pgqueue.core.events.services import LoopFailed
from pgqueue.worker.active_attempt import ActiveAttempt, Run
from pgqueue.worker.executors import interruptible
from pgqueue.worker.executors.greenlet_forks import stop_other_greenlets
from pgqueue.worker.executors.running_loops import RunningLoops, running_loop
from pgqueue.worker.in_flight import InFlight
from pgqueue.worker.start_context import NewContext

_SYSTEM_ERRORS = (SystemExit, KeyboardInterrupt, SystemError)


class GreenletExecutor:
    """Runs attempts in greenlets, one greenlet for each slot.

    Args:
        run: Runs one run to its end, on the greenlet that calls it.
        new_context: Makes the context variables of each run.

    Attributes:
        _slots: The greenlets by id. Main thread, once.
        _runs: The run of each busy greenlet, by its id. Main thread.
        _shown: The run that the scoreboard shows. Main thread.
        _loops: The event loops that tasks run. Main thread.
    """

    def __init__(
        self, in_flight: InFlight, run: Callable[[Run], None], new_context: NewContext
    ) -> None:
        self._in_flight = in_flight
        self._run = run
        self._new_context = new_context
        self._closed = Event()
        self._slots: dict[int, gevent.Greenlet[..., None]] = {}
        self._runs: dict[int, Run] = {}
        self._shown: Run | None = None
        self._loops = RunningLoops()

    def serve(self) -> None:
        """Run what arrives until the executor is closed."""
        settrace(self._on_switch)
        slots = [gevent.spawn(self._slot) for _ in range(self._in_flight.slots)]
        self._slots = {id(slot): slot for slot in slots}
        while not self._closed.is_set():
            try:
                self._closed.wait()
            except _SYSTEM_ERRORS as error:
                # A greenlet of a task exited. gevent raises that here, to end the program.
                emit(LoopFailed(loop="greenlets", failures=1, pause_seconds=0.0, error=error))
        for _ in slots:
            self._in_flight.waiting.put(None)

    def wake(self) -> None:
        """Nothing to do: the slots wait for what arrives."""

    def close(self) -> None:
        """Let `serve` return; what runs goes on until its greenlet ends."""
        self._closed.set()

    def stop_others(self) -> None:
        """In a fork, keep all greenlets but the current one from running."""
        stop_other_greenlets()

    def current(self) -> ActiveAttempt | None:
        """The attempt whose task's code the running greenlet is in."""
        return interruptible(self._runs.get(id(getcurrent())))

    def throw(self, attempt: ActiveAttempt, error: BaseException) -> None:
        """Raise *error* in the task where it waits."""
        # The hub throws: a signal handler may have interrupted any greenlet. By then the attempt
        # may have ended, and its greenlet may run another attempt.
        get_hub().loop.run_callback(self._throw_now, attempt, error)

    def frame_of(self, attempt: ActiveAttempt) -> FrameType | None:
        """The frame in which the attempt's greenlet waits."""
        slot = self._slot_of(attempt)
        return None if slot is None else slot.gr_frame

    def _throw_now(self, attempt: ActiveAttempt, error: BaseException) -> None:
        slot = self._slot_of(attempt)
        if slot is not None and attempt.is_interruptible:
            slot.throw(error)

    def _slot_of(self, attempt: ActiveAttempt) -> "gevent.Greenlet[..., None] | None":
        # A search, so that the start of a job need not write where it runs.
        for number, run in list(self._runs.items()):
            if attempt in run:
                return self._slots[number]
        return None

    def _on_switch(self, event: str, greenlets: tuple[greenlet, greenlet]) -> None:
        # At each switch, so that the supervisor knows which job keeps a blocked main thread.
        if running_loop() is not None or self._loops.suspended:
            self._loops.switch(*greenlets)
        run = self._runs.get(id(greenlets[1]))
        if run is not self._shown:
            self._shown = run
            self._in_flight.set_running(None if run is None else run[0])

    def _slot(self) -> None:
        number = id(getcurrent())
        while (run := self._in_flight.take_next()) is not None:
            self._runs[number] = self._shown = run
            self._new_context().run(self._run, run)
            del self._runs[number]
            self._shown = None
