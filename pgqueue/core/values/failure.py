"""What was raised, as text that can always be stored: its type, its message, its traceback.

An exception is somebody's object: to ask it for its text may raise anything, last for ever, or
answer with 100 MB. Whatever it does, there is a report, and the report has a limit.
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

# A class without a `__str__` of its own writes its arguments out whole, without listening to
# signals meanwhile: of a list of two of a list of two … the process would die.
_ARGS_BYTES_MAX: Final = 256 * 1024

_FAMILY_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class Report:
    """What is told of an exception: its class, its message, and its traceback, causes first."""

    type: str
    message: str
    traceback: str


def type_text(error: BaseException) -> str:
    """Return the name of an exception's class, with its module unless that goes without saying."""
    path = path_of(type(error))
    return clean_text(path, _TYPE_BYTES_MAX)


def message_text(error: BaseException, bytes_max: int) -> str:
    """Return what an exception says."""
    return _message(error, bytes_max)[0]


def report(error: BaseException, bytes_max: int, *, before: Iterable[str] = ()) -> Report:
    """Return all that is told of an exception.

    Args:
        bytes_max: Limit of the message, and of the traceback.
        before: Lines for the traceback to begin with.
    """
    message, is_readable = _message(error, bytes_max)
    short = [*traceback.format_tb(error.__traceback__), f"{type_text(error)}: {message}\n"]
    lines = list(before)
    # What did not answer once is not asked again: the next answer may never come.
    if is_readable and not any(map(_is_heavy, _family(error))):
        try:
            lines += _whole(error, bytes_max)
        except BaseException as broken:
            lines += [*short, f"No more can be told: that raised {name_of(type(broken))}.\n"]
    else:
        lines += short
    return Report(type_text(error), message, clean_text("".join(lines), bytes_max))


def _message(error: BaseException, bytes_max: int) -> tuple[str, bool]:
    if _is_heavy(error):
        args = _args(error)
        text = plain_text(args[0], bytes_max + 1) if len(args) == 1 else None
        return clean_text(short_repr(args) if text is None else text, bytes_max), True
    try:
        return clean_text(str(error), bytes_max), True
    except BaseException as broken:
        return f"<its message cannot be read: str() raised {name_of(type(broken))}>", False


def _whole(error: BaseException, bytes_max: int) -> Iterator[str]:
    # Of thousands of causes no more is written out than is kept.
    size = 0
    for line in traceback.TracebackException.from_exception(error).format():
        yield clean_text(line, bytes_max)
        size += len(line)
        if size > bytes_max:
            break


def _is_heavy(error: BaseException) -> bool:
    writes_args = isinstance(type(error).__str__, WrapperDescriptorType)
    return writes_args and is_larger(_args(error), _ARGS_BYTES_MAX)


def _args(error: BaseException) -> tuple[object, ...]:
    args: tuple[object, ...] = BaseException.args.__get__(error)  # type: ignore[attr-defined]
    return args


def _family(error: BaseException) -> list[BaseException]:
    """Return an exception, those that led to it and those in it; of very many the first."""
    family = {id(error): error}
    waiting = [error]
    while waiting and len(family) < _FAMILY_MAX:
        each = waiting.pop()
        related = [each.__cause__, each.__context__]
        if issubclass(type(each), BaseExceptionGroup):
            related += each.exceptions  # type: ignore[attr-defined]
        fresh = [other for other in related if other is not None and id(other) not in family]
        family |= {id(other): other for other in fresh}
        waiting += fresh
    return list(family.values())
