"""Runs one attempt: a straight pipe from the stored text to the end of the attempt.

`run` and `arun` are the same pipe for functions and for coroutines. Both always come back
with an end, whatever the task does, and put it to the finisher. They never decide what the
end means.
"""

from collections.abc import Awaitable, Callable
from contextvars import Token
from types import TracebackType
from typing import Any

from pgqueue.core.current import JobCancelled, JobContext, JobInterrupted, enter, leave
from pgqueue.store.settlements import Settlement
from pgqueue.tasks.task import Task
from pgqueue.worker.in_flight import ActiveAttempt, InFlight
from pgqueue.worker.outcomes import Limits, NotStarted, failed, succeeded, unreportable


class Runner:
    """The pipe, with what it needs around it.

    Args:
        find_task: Finds the task of an attempt by importing its module; may raise NotStarted.
        context_of: Makes what `current_job()` gives inside the task.
        on_started: Told each true start, to watch its deadline.
        on_ended: Takes each end, to settle it.
    """

    def __init__(
        self,
        in_flight: InFlight,
        limits: Limits,
        *,
        find_task: Callable[[ActiveAttempt], Task[..., Any]],
        context_of: Callable[[ActiveAttempt, Task[..., Any], dict[str, object]], JobContext],
        on_started: Callable[[ActiveAttempt], None],
        on_ended: Callable[[ActiveAttempt, Settlement], None],
    ) -> None:
        self.in_flight = in_flight
        self.limits = limits
        self.find_task = find_task
        self.context_of = context_of
        self.on_started = on_started
        self.on_ended = on_ended

    def run(self, attempt: ActiveAttempt) -> None:
        """Run an attempt of a function, here and now."""
        with _Run(self, attempt) as run:
            function, positional, named = run.prepare()
            try:
                attempt.is_interruptible = True
                run.value = function(*positional, **named)
            finally:
                attempt.is_interruptible = False

    async def arun(
        self, attempt: ActiveAttempt, shield: Callable[[Awaitable[Any]], Awaitable[Any]]
    ) -> None:
        """Run an attempt of a coroutine function on the current event loop.

        Args:
            shield: Wraps the task's coroutine so that errors can be raised inside it.
        """
        with _Run(self, attempt) as run:
            function, positional, named = run.prepare()
            try:
                attempt.is_interruptible = True
                run.value = await shield(function(*positional, **named))
            finally:
                attempt.is_interruptible = False


class _Run:
    """One run of an attempt; whatever is raised inside is how it ended, and goes no further.

    A class, as a generator for a context takes three times as long and this is done for every job.
    Errors are raised from outside only while the attempt is exposed, and whoever exposes it ends
    that in the same function: Python looks for signals where a function begins, and an error at the
    beginning of `__exit__` would leave the attempt without an end.
    """

    __slots__ = ("_context", "_held", "_runner", "value")

    def __init__(self, runner: Runner, attempt: ActiveAttempt) -> None:
        self.value: object = None
        self._runner = runner
        self._held = attempt
        self._context: Token[JobContext | None] | None = None

    def __enter__(self) -> "_Run":
        self._runner.in_flight.started(self._held)
        return self

    def prepare(self) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
        """Enter the context of the job, and return what is to be called with what."""
        runner, attempt = self._runner, self._held
        runner.on_started(attempt)
        if attempt.is_revoked:
            raise NotStarted("It was in hand and had not started when it had to be let go.")
        try:
            attempt.is_interruptible = (
                True  # to the import of the task's module, and to its own validators
            )
            task = attempt.task = attempt.task or runner.find_task(attempt)
            args = task.payload.decode(attempt.claimed.args)
        finally:
            attempt.is_interruptible = False
        self._context = enter(runner.context_of(attempt, task, args))
        positional, named = task.payload.bind_call(args)
        return task.function, positional, named

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        attempt = self._held
        try:
            ended = self._ended(error)
        except BaseException as late:
            ended = unreportable(attempt, late, self._runner.limits)
        finally:
            if self._context is not None:
                leave(self._context)
        attempt.runner = None
        self._runner.in_flight.ended(attempt)
        self._runner.on_ended(attempt, ended)
        return True

    def _ended(self, error: BaseException | None) -> Settlement:
        # The timeout counts for what tells the end, too: a `__str__` may never return.
        attempt, limits = self._held, self._runner.limits
        try:
            attempt.is_interruptible = True
            try:
                if error is None:
                    return succeeded(attempt, self.value, limits)
                return failed(attempt, error, limits)
            except (JobInterrupted, JobCancelled):
                if error is not None:
                    raise
                # What comes too late to stop the task does not undo it.
                return succeeded(attempt, self.value, limits)
            except BaseException as late:
                if error is not None:
                    raise
                return failed(attempt, late, limits)
        finally:
            attempt.is_interruptible = False
