"""Middleware: functions of the application that wrap each run of a task.

The one way to change a run from outside the task; `events` is the one way to observe it.
"""

import inspect
from collections.abc import Awaitable, Callable
from functools import partial
from threading import Lock
from typing import Any, Final, TypeVar

from pgqueue.core.errors import InvalidOption
from pgqueue.core.job_context import JobContext
from pgqueue.core.kinds_of_calls import is_call_of

W = TypeVar("W", bound=Callable[..., Any])


class _Registered:
    """The wrappers in the order in which they were registered, the outermost first.

    Attributes:
        changing: Locked while a tuple is replaced; readers need no lock.
    """

    def __init__(self) -> None:
        self.of_functions: tuple[Callable[..., Any], ...] = ()
        self.of_coroutines: tuple[Callable[..., Awaitable[Any]], ...] = ()
        self.changing = Lock()


_REGISTERED: Final = _Registered()


def middleware(wrapper: W) -> W:
    """Wrap each run of a task in this process from now on, and return *wrapper*.

    `def wrapper(job, call_next)` wraps tasks that are functions; `call_next()` returns the task's
    result. `async def wrapper(job, call_next)` wraps tasks that are coroutine functions, and awaits
    `call_next()`. The wrapper runs inside the job: `current_job()` works and the timeout counts.
    Its return value is the job's result, and an exception that it raises ends the attempt. The
    wrapper that was registered first is the outermost.

    A wrapper may be an object with `__call__`, or a partial; it wraps coroutine functions if its
    call returns a coroutine.

    Raises:
        InvalidOption: The wrapper is not callable, or a generator function.
    """
    if not callable(wrapper):
        raise InvalidOption("wrapper", wrapper, "it is not callable.")
    if is_call_of(wrapper, inspect.isgeneratorfunction, inspect.isasyncgenfunction):
        reason = "calling a generator function runs nothing. Return what `call_next()` returns."
        raise InvalidOption("wrapper", wrapper, reason)
    with _REGISTERED.changing:
        if is_call_of(wrapper, inspect.iscoroutinefunction):
            _REGISTERED.of_coroutines = (*_REGISTERED.of_coroutines, wrapper)
        else:
            _REGISTERED.of_functions = (*_REGISTERED.of_functions, wrapper)
    return wrapper


def remove_middleware(wrapper: Callable[..., Any]) -> None:
    """Wrap no further run with *wrapper*; a wrapper that is not registered is no error."""
    with _REGISTERED.changing:
        _REGISTERED.of_functions = tuple(w for w in _REGISTERED.of_functions if w is not wrapper)
        _REGISTERED.of_coroutines = tuple(w for w in _REGISTERED.of_coroutines if w is not wrapper)


def wrapped(job: JobContext, call: Callable[[], Any]) -> Callable[[], Any]:
    """Return *call* inside all middleware for functions; *call* itself where there is none."""
    for wrapper in reversed(_REGISTERED.of_functions):
        call = partial(wrapper, job, call)
    return call


def awrapped(job: JobContext, call: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    """Return *call* inside all middleware for coroutines: the asyncio twin of `wrapped`."""
    for wrapper in reversed(_REGISTERED.of_coroutines):
        call = partial(wrapper, job, call)
    return call
