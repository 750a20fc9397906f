"""Results that stand for work which is not done: coroutines, Futures, generators, lazy iterators.

A job that succeeded with one of them would have done nothing, and nobody would notice.
"""

import inspect
import itertools
import sys
from datetime import date, datetime
from decimal import Decimal
from types import CoroutineType, GeneratorType
from typing import Any, Final
from uuid import UUID

from pgqueue.core.values.introspect import is_iterator, name_of, parts
from pgqueue.core.values.storable import DEPTH_MAX, path_text

_LAZY: Final = (
    *(map, filter, zip, enumerate),
    # `count` and `repeat` run no code of anyone.
    *(
        kind
        for name, kind in vars(itertools).items()
        if isinstance(kind, type) and name not in ("count", "repeat")
    ),
)
_COMMON: Final = (datetime, date, UUID, Decimal)

_HANDLES: Final = (
    ("concurrent.futures", "Future"),
    ("multiprocessing.pool", "ApplyResult"),
    ("multiprocessing.pool", "IMapIterator"),
    ("greenlet", "greenlet"),
    ("gevent.event", "AsyncResult"),
)
"""Classes whose objects stand for work elsewhere, and which are not awaitable."""

_AWAIT: Final = (
    "and nothing awaited it, so its code may not have run. Declare the function with `async def` "
    "and await it there."
)
_READ: Final = "which runs its code only when it is read. Return a list of its items."
_WAIT: Final = "whose work may not be done. Wait for it, and return its result."


def refuse_unfinished(value: object, steps: list[object]) -> None:
    """Raise TypeError for a value that stands for work which is not done, or for one that holds it.

    Args:
        steps: The way from the result to the value; restored if nothing is raised.

    Raises:
        TypeError: With the path of the value and what to return instead.
    """
    advice = _advice(value)
    if advice is not None:
        article = "an" if name_of(type(value))[:1].lower() in "aeiou" else "a"
        what = f"{path_text('result', steps)} is {article} {name_of(type(value))}"
        raise TypeError(f"The job did not succeed: {what}, {advice}")
    if len(steps) <= DEPTH_MAX:
        for step, item in parts(value):
            steps.append(step)
            refuse_unfinished(item, steps)
            steps.pop()


def close_coroutines(value: object, depth: int = 1) -> None:
    """Close the coroutines in a value that never began: Python would warn of each later."""
    if type(value) is CoroutineType:
        if inspect.getcoroutinestate(value) == inspect.CORO_CREATED:
            value.close()
    elif depth <= DEPTH_MAX:
        for _, item in parts(value):
            close_coroutines(item, depth + 1)


def _advice(value: Any) -> str | None:
    kind = type(value)
    if any(kind is common for common in _COMMON):
        return None
    if hasattr(kind, "__await__"):
        return _AWAIT
    if issubclass(kind, GeneratorType) or (is_iterator(value) and hasattr(kind, "throw")):
        return _READ
    if hasattr(kind, "__anext__"):
        return _READ
    if any(kind is lazy for lazy in _LAZY):
        return _READ
    if any(issubclass(kind, handle) for handle in _handles()):
        return _WAIT
    return None


def _handles() -> list[type]:
    # An object of a class whose module is not loaded does not exist.
    loaded = ((sys.modules.get(module), name) for module, name in _HANDLES)
    found = (getattr(module, name, None) for module, name in loaded if module is not None)
    return [kind for kind in found if isinstance(kind, type)]
