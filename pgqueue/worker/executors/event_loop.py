"""Runs many jobs at once, as tasks of one asyncio event loop: for coroutine functions.

The loop has the main thread, so that a signal can break a coroutine that never awaits.
"""

import asyncio
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from types import FrameType
from typing import Any

from pgqueue.core.clock import MONOTONIC
from pgqueue.core.decisions import JobCancelled, JobInterrupted, JobTimeout
from pgqueue.core.events.event import emit
from pgqueue.core.events.services import LoopFailed
from pgqueue.worker import forks
from pgqueue.worker.active_attempt import ActiveAttempt, Run
from pgqueue.worker.executors import interruptible
from pgqueue.worker.executors.own_tasks import share, start_run
from pgqueue.worker.in_flight import InFlight
from pgqueue.worker.start_context import NewContext

RunAsync = Callable[[Run, Callable[[Awaitable[Any]], Awaitable[Any]]], Awaitable[None]]


class EventLoopExecutor:
    """Runs attempts as asyncio tasks, up to the number of slots.

    Args:
        run: Runs one run to its end; wraps the task's coroutine by its second argument.
        new_context: Makes the context variables of each run.

    Attributes:
        _loop: Made when `serve` starts. Main thread.
        _is_closed: Whether `close` was called. Any thread, and only from False to True.
        _tasks: The run of each asyncio task. Main thread.
    """

    def __init__(self, in_flight: InFlight, run: RunAsync, new_context: NewContext) -> None:
        self._in_flight = in_flight
        self._run = run
        self._new_context = new_context
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False
        self._tasks: dict[asyncio.Task[None], Run] = {}

    def serve(self) -> None:
        """Run what arrives until the executor is closed, whatever a task does to the loop."""
        with asyncio.Runner() as runner:
            self._loop = loop = runner.get_loop()
            share(loop)
            loop.call_soon(self._fill)
            try:
                while not self._is_closed:
                    self._run_loop(loop)
            finally:
                share(None)
                self._loop = None
                self._interrupt_all()

    def wake(self) -> None:
        """Start runs that wait, while slots are free; safe on any thread."""
        self._call(self._fill)

    def close(self) -> None:
        """Let `serve` return; the end of the loop cancels coroutines that still run."""
        self._is_closed = True
        self._call(self._stop)

    def stop_others(self) -> None:
        """In a fork, let the loop end the process as soon as the current code returns to it."""
        loop = self._loop
        if loop is None:
            return
        # Steps of other tasks that are due: asyncio has no public way to remove them.
        getattr(loop, "_ready", deque[object]()).clear()
        loop.call_soon(_leave_fork, asyncio.current_task(loop))

    def current(self) -> ActiveAttempt | None:
        """The attempt whose coroutine runs between two awaits right now."""
        try:
            task = asyncio.current_task(self._loop)
        except RuntimeError:
            return None
        return interruptible(self._tasks.get(task)) if task is not None else None

    def throw(self, attempt: ActiveAttempt, error: BaseException) -> None:
        """Raise *error* in the task where it awaits."""
        self._call(lambda: self._throw_now(attempt, error))

    def frame_of(self, attempt: ActiveAttempt) -> FrameType | None:
        """None: a coroutine that awaits has no frame of its own on any stack."""
        return None

    def _throw_now(self, attempt: ActiveAttempt, error: BaseException) -> None:
        task = next((task for task, run in self._tasks.items() if attempt in run), None)
        if task is not None and attempt.is_interruptible and attempt.interruption is not None:
            # asyncio wakes a task early by a cancellation only; `_Shielded` raises the error in
            # the place of the cancellation.
            attempt.interruption.error = _as_cancellation(error)
            task.cancel(msg=_CANCEL_MESSAGE)

    def _run_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        # A callback or a child task that exits, and `loop.stop()`, end the loop. What is ready
        # stays so, and the next call goes on with it.
        try:
            loop.run_forever()
        except (SystemExit, KeyboardInterrupt) as error:
            if forks.is_fork:
                forks.leave(error)
            emit(LoopFailed(loop="asyncio", failures=1, pause_seconds=0.0, error=error))

    def _interrupt_all(self) -> None:
        # The loop ends and cancels every task. That is no failure of a job that still runs.
        for run in list(self._tasks.values()):
            for attempt in run:
                error = JobInterrupted("The worker has to stop; the job is queued again.")
                attempt.interrupt(error, MONOTONIC.monotonic(), str)
                self._throw_now(attempt, error)

    def _call(self, action: Callable[[], object]) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(action)

    def _stop(self) -> None:
        if self._loop is not None:
            self._loop.stop()

    def _fill(self) -> None:
        loop = self._loop
        while loop is not None and len(self._tasks) < self._in_flight.slots:
            run = self._in_flight.take_next(wait=False)
            if run is None:
                return
            task = start_run(loop, run, self._run_one(run), self._new_context())
            self._tasks[task] = run

    async def _run_one(self, run: Run) -> None:
        task = asyncio.current_task()
        try:
            await self._run(run, lambda awaitable: _Shielded(awaitable, run[0], self._in_flight))
        finally:
            if task is not None:
                self._tasks.pop(task, None)
            self._fill()


def _leave_fork(task: "asyncio.Task[Any] | None") -> None:
    if task is not None and not task.done():
        forks.leave(SystemExit(_NO_LOOP))
    forks.leave(sys.exc_info()[1])


_NO_LOOP = (
    "This process is a fork of an asyncio worker. The event loop belongs to the worker, so that "
    "nothing can be awaited here: start a loop of its own, by `asyncio.run` in "
    "`multiprocessing.Process`."
)

_CANCEL_MESSAGE = "pgqueue"


def _as_cancellation(error: BaseException) -> BaseException:
    # A TaskGroup or a timeout cancels its children for a CancelledError only.
    kind = _CANCELLATIONS.get(type(error))
    return error if kind is None else kind(*error.args)


def _cancellation(kind: type[BaseException]) -> type[BaseException]:
    return type(kind.__name__, (kind, asyncio.CancelledError), {"__module__": kind.__module__})


_CANCELLATIONS: dict[type[BaseException], type[BaseException]] = {
    kind: _cancellation(kind) for kind in (JobTimeout, JobCancelled, JobInterrupted)
}


class _Shielded:
    """Awaits the task's coroutine, and raises an interruption in it in place of a cancellation.

    Shows the supervisor which attempt has the loop, as a coroutine may never await.
    """

    def __init__(
        self, awaitable: Awaitable[Any], attempt: ActiveAttempt, in_flight: InFlight
    ) -> None:
        self._awaitable = awaitable
        self._attempt = attempt
        self._in_flight = in_flight

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._awaitable.__await__()
        thrown: BaseException | None = None
        while True:
            self._in_flight.set_running(self._attempt)
            try:
                waits_for = next(inner) if thrown is None else inner.throw(thrown)
            except StopIteration as end:
                return end.value
            finally:
                self._in_flight.set_running(None)
            thrown = None
            try:
                yield waits_for
            except asyncio.CancelledError as error:
                thrown = self._error_behind(error)
            except BaseException as error:
                thrown = error

    def _error_behind(self, error: asyncio.CancelledError) -> BaseException:
        interruption = self._attempt.interruption
        if error.args != (_CANCEL_MESSAGE,) or interruption is None:
            return error
        if (task := asyncio.current_task()) is not None:
            task.uncancel()
        return interruption.error
