"""Runs one attempt: a straight pipe from the stored text to the end of the attempt.

`run` and `arun` are the same pipe for functions and for coroutines. Both always come back
with an end, whatever the task does, and put it to the finisher. They never decide what the
end means.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import Token
from dataclasses import dataclass
from functools import partial
from typing import Any

from pgqueue.core.current import JobCancelled, JobContext, JobInterrupted, enter, leave
from pgqueue.store.attempts import Ended
from pgqueue.tasks.task import Task
from pgqueue.worker.outcomes import Limits, NotStarted, failed, succeeded, unreportable
from pgqueue.worker.running import Held, Running


@dataclass(slots=True)
class _Attempt:
    """What is known of an attempt while it runs."""

    value: object = None
    token: Token[JobContext | None] | None = None


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
        running: Running,
        limits: Limits,
        *,
        find_task: Callable[[Held], Task[..., Any]],
        context_of: Callable[[Held, Task[..., Any], dict[str, object]], JobContext],
        on_started: Callable[[Held], None],
        on_ended: Callable[[Held, Ended], None],
    ) -> None:
        self._running = running
        self._limits = limits
        self._find_task = find_task
        self._context_of = context_of
        self._on_started = on_started
        self._on_ended = on_ended

    def run(self, held: Held) -> None:
        """Run an attempt of a function, here and now."""
        with self._ending(held) as attempt:
            call = self._prepare(held, attempt)
            held.is_exposed = True
            attempt.value = call()

    async def arun(self, held: Held, shield: Callable[[Awaitable[Any]], Awaitable[Any]]) -> None:
        """Run an attempt of a coroutine function on the current event loop.

        Args:
            shield: Wraps the task's coroutine so that errors can be raised inside it.
        """
        with self._ending(held) as attempt:
            call = self._prepare(held, attempt)
            held.is_exposed = True
            attempt.value = await shield(call())

    @contextmanager
    def _ending(self, held: Held) -> Iterator[_Attempt]:
        # Never raises: whatever is raised inside is how the attempt ended.
        self._running.started(held)
        attempt = _Attempt()
        has_returned = False
        try:
            # The timeout counts for what tells the end, too: a `__str__` may never return.
            try:
                yield attempt
                has_returned = True
                ended = succeeded(held, attempt.value, self._limits)
            except (JobInterrupted, JobCancelled) as error:
                # What comes too late to stop the task does not undo it.
                if has_returned:
                    ended = succeeded(held, attempt.value, self._limits)
                else:
                    ended = failed(held, error, self._limits)
            except BaseException as error:
                ended = failed(held, error, self._limits)
            finally:
                held.is_exposed = False
        except BaseException as error:
            ended = unreportable(held, error, self._limits)
        finally:
            if attempt.token is not None:
                leave(attempt.token)
        held.runner = None
        self._running.ended(held)
        self._on_ended(held, ended)

    def _prepare(self, held: Held, attempt: _Attempt) -> Callable[[], Any]:
        # The call, with the context of the job entered.
        self._on_started(held)
        if held.must_not_start:
            raise NotStarted("It was in hand and had not started when it had to be let go.")
        held.is_exposed = True  # to the import of the task's module, and to validators of its own
        task = held.task = held.task or self._find_task(held)
        args = task.payload.decode(held.claimed.args)
        held.is_exposed = False
        attempt.token = enter(self._context_of(held, task, args))
        positional, named = task.payload.bind_call(args)
        return partial(task.function, *positional, **named)
