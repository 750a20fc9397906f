"""Runs one job at a time on the main thread: for CPU-bound work, killable at any instant."""

from collections.abc import Callable
from types import FrameType

from pgqueue.worker.active_attempt import ActiveAttempt, Run
from pgqueue.worker.executors import interruptible
from pgqueue.worker.in_flight import InFlight
from pgqueue.worker.start_context import NewContext


class SingleExecutor:
    """Runs attempts one after the other, on the thread that handles signals.

    Args:
        run: Runs one run to its end.
        new_context: Makes the context variables of each run.

    Attributes:
        _current: The run that goes on; None between two. Main thread.
    """

    def __init__(
        self, in_flight: InFlight, run: Callable[[Run], None], new_context: NewContext
    ) -> None:
        self._in_flight = in_flight
        self._run = run
        self._new_context = new_context
        self._current: Run | None = None

    def serve(self) -> None:
        """Run what arrives until the executor is closed."""
        while (run := self._in_flight.take_next()) is not None:
            self._current = run
            self._new_context().run(self._run, run)
            self._current = None

    def wake(self) -> None:
        """Nothing to do: `serve` waits for what arrives."""

    def close(self) -> None:
        """Let `serve` return after the run that goes on."""
        self._in_flight.waiting.put(None)

    def stop_others(self) -> None:
        """Nothing: one run has the main thread, and a fork has no other thread."""

    def current(self) -> ActiveAttempt | None:
        """The attempt that runs, when it is in the task's own code."""
        return interruptible(self._current)

    def throw(self, attempt: ActiveAttempt, error: BaseException) -> None:
        """Nothing: here an attempt is either the current one or has ended."""

    def frame_of(self, attempt: ActiveAttempt) -> FrameType | None:
        """None: an attempt runs in the frame that the signal interrupts."""
        return None
