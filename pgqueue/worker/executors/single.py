"""One attempt at a time on the main thread: CPU-bound work, killable at any instant."""

from collections.abc import Callable

from pgqueue.worker.running import Held, Running


class SingleExecutor:
    """Runs attempts one after the other where signals are handled.

    Args:
        run: Runs one attempt to its end.
    """

    def __init__(self, running: Running, run: Callable[[Held], None]) -> None:
        self._running = running
        self._run = run
        self._current: Held | None = None

    def serve(self) -> None:
        """Run what arrives until the executor is closed."""
        while (held := self._running.take_next()) is not None:
            self._current = held
            self._run(held)
            self._current = None

    def kick(self) -> None:
        """Nothing to do: `serve` waits for what arrives."""

    def close(self) -> None:
        """Let `serve` return after the attempt that runs."""
        self._running.waiting.put(None)

    def current(self) -> Held | None:
        """The attempt that runs, when it is in the task's own code."""
        held = self._current
        return held if held is not None and held.is_exposed else None

    def throw(self, held: Held, error: BaseException) -> None:
        """Nothing: here an attempt is either the current one or has ended."""
