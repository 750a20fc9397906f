"""An exception as text that can always be stored: its type, its message, its traceback.

The exception's class is not ours: its `__str__` may raise anything, run for ever, or return
100 MB. There is a report in each case, and the report has a limit.
"""

import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import WrapperDescriptorType
from typing import Final

from pgqueue.core.values.clean_text import clean_text
from pgqueue.core.values.introspect import name_of, path_of, plain_text
from pgqueue.core.values.short_repr import short_repr
from pgqueue.core.values.size_estimate import is_larger

_TYPE_BYTES_MAX: Final = 500

# A class without its own `__str__` writes its arguments out whole, and no signal interrupts that.
# For a list of two of a list of two … the process would take all memory.
_ARGS_BYTES_MAX: Final = 256 * 1024

_RELATED_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class Report:
    """An exception as text: its class, its message, and its traceback, causes first."""

    type: str
    message: str
    traceback: str


def type_text(error: BaseException) -> str:
    """Return the name of an exception's class; with its module for a class of the application."""
    path = path_of(type(error))
    return clean_text(path, _TYPE_BYTES_MAX)


def message_text(error: BaseException, bytes_max: int) -> str:
    """Return the message of an exception."""
    return _message(error, bytes_max)[0]


def report(error: BaseException, bytes_max: int, *, before: Iterable[str] = ()) -> Report:
    """Return the type, the message and the traceback of an exception.

    Args:
        bytes_max: Limit of the message, and of the traceback.
        before: Lines for the traceback to begin with.
    """
    message, is_readable = _message(error, bytes_max)
    short = [*traceback.format_tb(error.__traceback__), f"{type_text(error)}: {message}\n"]
    lines = list(before)
    # A message that could not be read once is not read again: the second try may never end.
    if is_readable and not any(map(_is_large, _related(error))):
        try:
            lines += _whole(error, bytes_max)
        except BaseException as broken:
            lines += [*short, f"The rest cannot be shown: it raised {name_of(type(broken))}.\n"]
    else:
        lines += short
    return Report(type_text(error), message, clean_text("".join(lines), bytes_max))


def _message(error: BaseException, bytes_max: int) -> tuple[str, bool]:
    if _is_large(error):
        args = _args(error)
        text = plain_text(args[0], bytes_max + 1) if len(args) == 1 else None
        return clean_text(short_repr(args) if text is None else text, bytes_max), True
    try:
        return clean_text(str(error), bytes_max), True
    except BaseException as broken:
        return f"<its message cannot be read: str() raised {name_of(type(broken))}>", False


def _whole(error: BaseException, bytes_max: int) -> Iterator[str]:
    # Of thousands of causes, no more is written out than is stored.
    size = 0
    for line in traceback.TracebackException.from_exception(error).format():
        yield clean_text(line, bytes_max)
        size += len(line)
        if size > bytes_max:
            break


def _is_large(error: BaseException) -> bool:
    writes_args = isinstance(type(error).__str__, WrapperDescriptorType)
    return writes_args and is_larger(_args(error), _ARGS_BYTES_MAX)


def _args(error: BaseException) -> tuple[object, ...]:
    args: tuple[object, ...] = BaseException.args.__get__(error)  # type: ignore[attr-defined]
    return args


def _related(error: BaseException) -> list[BaseException]:
    """Return an exception, its causes and the exceptions of its groups, up to a limit."""
    related = {id(error): error}
    waiting = [error]
    while waiting and len(related) < _RELATED_MAX:
        current = waiting.pop()
        neighbours = [current.__cause__, current.__context__]
        if issubclass(type(current), BaseExceptionGroup):
            neighbours += current.exceptions  # type: ignore[attr-defined]
        fresh = [other for other in neighbours if other is not None and id(other) not in related]
        related |= {id(other): other for other in fresh}
        waiting += fresh
    return list(related.values())
