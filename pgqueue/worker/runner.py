"""Runs one attempt: a straight pipe from the stored text to the end of the attempt.

`run` and `arun` are the same pipe for functions and for coroutines. Both always come back
with an end, whatever the task does, and put it to the finisher. They never decide what the
end means.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pgqueue.core.current import JobContext, enter, leave
from pgqueue.store.attempts import Ended
from pgqueue.worker.outcomes import Limits, failed, succeeded
from pgqueue.worker.running import Held, Running


@dataclass(slots=True)
class _Call:
    """One call of a task: its arguments, and what it returned."""

    positional: Any
    named: Any
    value: object = None


class Runner:
    """The pipe, with what it needs around it.

    Args:
        context_of: Makes what `current_job()` gives inside the task.
        on_started: Told each true start, to watch its deadline.
        on_ended: Takes each end, to settle it.
    """

    def __init__(
        self,
        running: Running,
        limits: Limits,
        *,
        context_of: Callable[[Held, dict[str, object]], JobContext],
        on_started: Callable[[Held], None],
        on_ended: Callable[[Held, Ended], None],
    ) -> None:
        self._running = running
        self._limits = limits
        self._context_of = context_of
        self._on_started = on_started
        self._on_ended = on_ended

    def run(self, held: Held) -> None:
        """Run an attempt of a function, here and now."""
        with self._attempt(held) as call:
            call.value = held.task.function(*call.positional, **call.named)

    async def arun(self, held: Held, shield: Callable[[Awaitable[Any]], Awaitable[Any]]) -> None:
        """Run an attempt of a coroutine function on the current event loop.

        Args:
            shield: Wraps the task's coroutine so that errors can be raised inside it.
        """
        with self._attempt(held) as call:
            coroutine: Any = held.task.function(*call.positional, **call.named)
            call.value = await shield(coroutine)

    @contextmanager
    def _attempt(self, held: Held) -> Iterator[_Call]:
        # Everything around the task's own code. Never raises: what is raised, here or inside,
        # is how the attempt ended.
        self._running.started(held)
        token = None
        try:
            self._on_started(held)
            args = held.task.payload.decode(held.claimed.args)
            held.context = self._context_of(held, args)
            token = enter(held.context)
            call = _Call(*held.task.payload.bind_call(args))
            held.is_exposed = True
            try:
                yield call
            finally:
                held.is_exposed = False
            ended = succeeded(held, call.value, self._limits)
        except BaseException as error:
            held.is_exposed = False
            ended = failed(held, error, self._limits)
        finally:
            if token is not None:
                leave(token)
        held.runner = None
        self._running.ended(held)
        self._on_ended(held, ended)
