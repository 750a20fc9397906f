"""The context variables of a worker's start; each job begins with a copy of them.

Without it a job would see what another job set, as a greenlet, a thread and a callback of an event
loop go on with the context that they have.
"""

from collections.abc import Callable
from contextvars import Context, copy_context
from decimal import Context as DecimalContext
from decimal import DefaultContext, setcontext
from typing import Final, TypeVar

T = TypeVar("T")

NewContext = Callable[[], Context]
"""Makes the context of one job."""

_UNSET: Final = object()

# The variable in which the standard library keeps the decimal context.
_DECIMAL: Final = "decimal_context"


class StartContext:
    """Keeps the context in which it is made, after the application's modules were imported.

    Attributes:
        _context: Entered for a moment only, as no context can be entered twice. Main thread.
        _decimal: The decimal context of the start; None where it is the default. Main thread.
    """

    def __init__(self) -> None:
        self._context = Context()
        self._decimal: DecimalContext | None = None
        self._add(Context(), copy_context())

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
            self._add(before, copy_context())

    def _add(self, before: Context, after: Context) -> None:
        for variable, value in after.items():
            if variable.name == _DECIMAL and isinstance(value, DecimalContext):
                self._decimal = None if _is_default(value) else value.copy()
            elif before.get(variable, _UNSET) is not value:
                self._context.run(variable.set, value)


def _is_default(context: DecimalContext) -> bool:
    # The text names every field. A job without a decimal context gets a copy of the default one.
    return repr(context) == repr(DefaultContext)
