"""One attempt at a time on the main thread: CPU-bound work, killable at any instant."""

from collections.abc import Callable

from pgqueue.worker.in_flight import ActiveAttempt, InFlight


class SingleExecutor:
    """Runs attempts one after the other where signals are handled.

    Args:
        run: Runs one attempt to its end.
    """

    def __init__(self, in_flight: InFlight, run: Callable[[ActiveAttempt], None]) -> None:
        self._in_flight = in_flight
        self._run = run
        self._current: ActiveAttempt | None = None

    def serve(self) -> None:
        """Run what arrives until the executor is closed."""
        while (attempt := self._in_flight.take_next()) is not None:
            self._current = attempt
            self._run(attempt)
            self._current = None

    def wake(self) -> None:
        """Nothing to do: `serve` waits for what arrives."""

    def close(self) -> None:
        """Let `serve` return after the attempt that runs."""
        self._in_flight.waiting.put(None)

    def current(self) -> ActiveAttempt | None:
        """The attempt that runs, when it is in the task's own code."""
        attempt = self._current
        return attempt if attempt is not None and attempt.is_interruptible else None

    def throw(self, attempt: ActiveAttempt, error: BaseException) -> None:
        """Nothing: here an attempt is either the current one or has ended."""
