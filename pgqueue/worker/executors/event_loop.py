"""Many attempts at once as tasks of one asyncio event loop: coroutine functions.

The loop has the main thread, so that a signal can break a coroutine that never awaits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any

from pgqueue.core.current import JobCancelled, JobInterrupted, JobTimeout
from pgqueue.worker.in_flight import ActiveAttempt, InFlight

RunAsync = Callable[[ActiveAttempt, Callable[[Awaitable[Any]], Awaitable[Any]]], Awaitable[None]]


class EventLoopExecutor:
    """Runs attempts as asyncio tasks, as many as there are slots.

    Args:
        run: Runs one attempt to its end, wrapping the task's coroutine in what it is given.
    """

    def __init__(self, in_flight: InFlight, run: RunAsync) -> None:
        self._in_flight = in_flight
        self._run = run
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed: asyncio.Event | None = None
        self._is_closed = False
        self._tasks: dict[asyncio.Task[None], ActiveAttempt] = {}

    def serve(self) -> None:
        """Run what arrives until the executor is closed."""
        asyncio.run(self._serve())

    def wake(self) -> None:
        """Start what waits, while slots are free; safe on any thread."""
        self._call(self._fill)

    def close(self) -> None:
        """Let `serve` return; coroutines that still run are cancelled by the loop's end."""
        self._is_closed = True
        self._call(self._end)

    def current(self) -> ActiveAttempt | None:
        """The attempt whose coroutine runs between two awaits right now."""
        try:
            task = asyncio.current_task(self._loop)
        except RuntimeError:
            return None
        attempt = self._tasks.get(task) if task is not None else None
        return attempt if attempt is not None and attempt.is_interruptible else None

    def throw(self, attempt: ActiveAttempt, error: BaseException) -> None:
        """Raise *error* in the task where it awaits."""
        self._call(lambda: self._throw_now(attempt, error))

    def _throw_now(self, attempt: ActiveAttempt, error: BaseException) -> None:
        task = attempt.runner
        if attempt.is_interruptible and isinstance(task, asyncio.Task):
            # The loop knows one way to wake a task early; `_Shielded` turns the cancellation
            # into the error that was meant.
            attempt.raised = _as_cancellation(error)
            task.cancel(msg=_MARK)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._closed = asyncio.Event()
        if not self._is_closed:
            self._fill()
            await self._closed.wait()

    def _call(self, action: Callable[[], object]) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(action)

    def _end(self) -> None:
        if self._closed is not None:
            self._closed.set()

    def _fill(self) -> None:
        while len(self._tasks) < self._in_flight.slots:
            attempt = self._in_flight.take_next(wait=False)
            if attempt is None:
                return
            task = asyncio.ensure_future(self._run_one(attempt))
            attempt.runner = task
            self._tasks[task] = attempt

    async def _run_one(self, attempt: ActiveAttempt) -> None:
        task = asyncio.current_task()
        try:
            await self._run(
                attempt, lambda awaitable: _Shielded(awaitable, attempt, self._in_flight)
            )
        finally:
            if task is not None:
                self._tasks.pop(task, None)
            self._fill()


_MARK = "pgqueue"


def _as_cancellation(error: BaseException) -> BaseException:
    # What waits (a TaskGroup, a timeout) takes its children along for a CancelledError only.
    kind = _CANCELLATIONS.get(type(error))
    return error if kind is None else kind(*error.args)


def _cancellation(kind: type[BaseException]) -> type[BaseException]:
    return type(kind.__name__, (kind, asyncio.CancelledError), {"__module__": kind.__module__})


_CANCELLATIONS: dict[type[BaseException], type[BaseException]] = {
    kind: _cancellation(kind) for kind in (JobTimeout, JobCancelled, JobInterrupted)
}


class _Shielded:
    """Awaits the task's coroutine, and raises in it what was meant by a cancellation.

    Shows who has the loop: a coroutine that never awaits has told who it is.
    """

    def __init__(
        self, awaitable: Awaitable[Any], attempt: ActiveAttempt, in_flight: InFlight
    ) -> None:
        self._awaitable = awaitable
        self._held = attempt
        self._in_flight = in_flight

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._awaitable.__await__()
        thrown: BaseException | None = None
        while True:
            self._in_flight.show(self._held)
            try:
                waits_for = next(inner) if thrown is None else inner.throw(thrown)
            except StopIteration as end:
                return end.value
            finally:
                self._in_flight.show(None)
            thrown = None
            try:
                yield waits_for
            except asyncio.CancelledError as error:
                thrown = self._meant_by(error)
            except BaseException as error:
                thrown = error

    def _meant_by(self, error: asyncio.CancelledError) -> BaseException:
        if error.args != (_MARK,) or self._held.raised is None:
            return error
        if (task := asyncio.current_task()) is not None:
            task.uncancel()
        return self._held.raised
