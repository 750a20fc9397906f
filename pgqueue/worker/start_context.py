"""The context variables of a worker's start; each job begins with a copy of them.

Without it a job would see what another job set, as a greenlet, a thread and a callback of an event
loop go on with the context that they have.
"""

from collections.abc import Callable
from contextvars import Context, copy_context
from decimal import Context as DecimalContext
from decimal import setcontext
from typing import Final, TypeVar

T = TypeVar("T")

NewContext = Callable[[], Context]
"""Makes the context of one job."""

_UNSET: Final = object()


class StartContext:
    """Keeps the context in which it is made, after the application's modules were imported.

    Attributes:
        _context: Entered for a moment only, as no context can be entered twice. Main thread.
        _decimal: The decimal context in it; None for none. Main thread.
    """

    def __init__(self) -> None:
        self._context = copy_context()
        self._decimal = _decimal_context(self._context)

    def new_context(self) -> Context:
        """A context for one job."""
        context = self._context.copy()
        if self._decimal is not None:
            # `getcontext().prec = 5` changes the decimal context itself, and every copy of the
            # context variables refers to it.
            context.run(setcontext, self._decimal.copy())
        return context

    def keep(self, function: Callable[..., T], *args: object) -> T:
        """Call a function that may import a module, and return its value.

        The context variables that the module sets become those of the worker's start.
        """
        before = copy_context()
        try:
            return function(*args)
        finally:
            after = copy_context()
            for variable, value in after.items():
                if before.get(variable, _UNSET) is not value:
                    self._context.run(variable.set, value)
            decimal_context = _decimal_context(after)
            self._decimal = decimal_context.copy() if decimal_context is not None else None


def _decimal_context(context: Context) -> DecimalContext | None:
    for value in context.values():
        if isinstance(value, DecimalContext):
            return value
    return None
