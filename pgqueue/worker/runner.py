"""Runs one attempt: a straight pipe from the stored arguments to the settlement.

    start → tidy → find task → decode → enter context → middleware → call
          → tidy → describe → leave → settle

`run` is the pipe for functions and `arun` the pipe for coroutine functions; they differ in the
call alone. Both always end with a settlement, whatever the task does. They never decide what an
outcome means for the job.
"""

import sys
from collections.abc import Awaitable, Callable
from contextvars import Token
from functools import partial
from typing import Any

from pgqueue.core.decisions import JobCancelled, JobInterrupted
from pgqueue.core.events.event import emit, is_observed
from pgqueue.core.events.jobs import JobStarted
from pgqueue.core.job_context import JobContext, enter, leave
from pgqueue.core.middleware import awrapped, wrapped
from pgqueue.store.settlements import Settlement
from pgqueue.tasks.task import Task
from pgqueue.worker import forks
from pgqueue.worker.active_attempt import ActiveAttempt, Run
from pgqueue.worker.django_connections import DJANGO, Tidy, tidy, tidy_for_coroutines
from pgqueue.worker.in_flight import InFlight
from pgqueue.worker.outcomes import Limits, NotStarted, failed, succeeded, unreportable

Call = Callable[[], Any]


class Runner:
    """The pipe, with what its steps need.

    Args:
        find_task: Finds the task of an attempt by importing its module; may raise NotStarted.
        context_of: Makes the value of `current_job()` inside the task.
        watch: Called at each true start of an attempt that has a deadline.
        settle: Takes how each attempt ended.
    """

    def __init__(
        self,
        in_flight: InFlight,
        limits: Limits,
        *,
        find_task: Callable[[ActiveAttempt], Task[..., Any]],
        context_of: Callable[[ActiveAttempt, Task[..., Any], dict[str, object]], JobContext],
        watch: Callable[[ActiveAttempt], None],
        settle: Callable[[ActiveAttempt, Settlement], None],
    ) -> None:
        self.in_flight = in_flight
        self.limits = limits
        self.find_task = find_task
        self.context_of = context_of
        self.watch = watch
        self.settle = settle

    def run(self, run: Run) -> None:
        """Run the attempt of a function, here and now."""
        pipe = _Pipe(self, run, tidy)
        attempt = pipe.attempt
        try:
            call = pipe.before_call(wrapped)
            try:
                attempt.is_interruptible = True
                pipe.value = call()
            finally:
                attempt.is_interruptible = False
        except BaseException as error:
            pipe.after_call(error)
        else:
            pipe.after_call(None)

    async def arun(self, run: Run, shield: Callable[[Awaitable[Any]], Awaitable[Any]]) -> None:
        """Run the attempt of a coroutine function on the current event loop.

        Args:
            shield: Wraps the task's coroutine so that errors can be raised inside it.
        """
        pipe = _Pipe(self, run, tidy_for_coroutines)
        attempt = pipe.attempt
        try:
            call = pipe.before_call(awrapped)
            try:
                attempt.is_interruptible = True
                pipe.value = await shield(call())
            finally:
                attempt.is_interruptible = False
        except BaseException as error:
            pipe.after_call(error)
        else:
            pipe.after_call(None)


class _Pipe:
    """The steps of one run before and after the call; an error in them ends the attempt.

    An error is raised from outside only while the attempt is interruptible. A function that sets
    `is_interruptible` resets it itself: Python handles signals where a function begins, and an
    error at the beginning of `after_call` would leave the attempt without a settlement.
    """

    __slots__ = ("_runner", "_tidy", "_token", "attempt", "value")

    def __init__(self, runner: Runner, run: Run, tidy: Tidy) -> None:
        (self.attempt,) = run
        self.value: object = None
        self._runner = runner
        self._tidy = tidy
        self._token: Token[JobContext | None] | None = None

    def before_call(self, middleware: Callable[[JobContext, Call], Call]) -> Call:
        """From the start to the middleware: returns the call of the task inside all of it."""
        runner, attempt = self._runner, self.attempt
        # start
        runner.in_flight.start(attempt)
        if attempt.deadline is not None:
            runner.watch(attempt)
        if attempt.is_revoked:
            raise NotStarted("The worker returned the job to the queue before its start.")
        try:
            # The timeout counts for the import of the task's module, and for its validators.
            attempt.is_interruptible = True
            # tidy
            if DJANGO in sys.modules:
                self._tidy()
            # find task
            task = attempt.task = attempt.task or runner.find_task(attempt)
            # decode
            arguments = task.payload.decode(attempt.claimed.args)
        finally:
            attempt.is_interruptible = False
        # enter context
        job = runner.context_of(attempt, task, arguments)
        self._token = enter(job)
        positional, named = task.payload.bind_call(arguments)
        if is_observed(JobStarted):
            emit(JobStarted(**attempt.claimed.event_fields()))
        return middleware(job, partial(task.function, *positional, **named))

    def after_call(self, error: BaseException | None) -> None:
        """From the description to the settlement."""
        if forks.is_fork:
            forks.leave(error)  # the worker itself records how the attempt ends
        runner, attempt = self._runner, self.attempt
        if DJANGO in sys.modules:
            error = self._tidy_after(error)
        try:
            settlement = self._describe(error)
        except BaseException as late:
            settlement = unreportable(attempt, late, runner.limits)
        finally:
            # leave: only now, as the context's secrets are removed from the description.
            if self._token is not None:
                leave(self._token)
        runner.in_flight.end(attempt)
        runner.settle(attempt, settlement)

    def _tidy_after(self, error: BaseException | None) -> BaseException | None:
        # The timeout counts, as a check of a connection may wait for a server that is gone.
        attempt = self.attempt
        try:
            attempt.is_interruptible = True
            self._tidy()
        except (JobInterrupted, JobCancelled):
            # An interruption that comes too late to stop the task does not undo it.
            pass
        except BaseException as late:
            return late if error is None else error
        finally:
            attempt.is_interruptible = False
        return error

    def _describe(self, error: BaseException | None) -> Settlement:
        # The timeout counts for the description, too: a `__str__` may never return.
        attempt, limits = self.attempt, self._runner.limits
        try:
            attempt.is_interruptible = True
            try:
                if error is None:
                    return succeeded(attempt, self.value, limits)
                return failed(attempt, error, limits)
            except (JobInterrupted, JobCancelled):
                if error is not None:
                    raise
                # An interruption that comes too late to stop the task does not undo it.
                return succeeded(attempt, self.value, limits)
            except BaseException as late:
                if error is not None:
                    raise
                return failed(attempt, late, limits)
        finally:
            attempt.is_interruptible = False
