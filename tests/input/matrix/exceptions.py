"""Exceptions that are hard to describe, or that libraries treat as a reason to end."""

import asyncio
from typing import Any

from greenlet import GreenletExit

from matrix.objects import hostile, leave, refuse, shout, spin
from matrix.value import Value, value


def caught(error: BaseException) -> BaseException:
    """The error, with a traceback."""
    try:
        raise error
    except BaseException as raised:
        return raised


def cyclic() -> BaseException:
    """Two errors, each the cause of the other."""
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    return first


def chain(length: int) -> BaseException:
    """An error with *length* causes."""
    error_: BaseException = ValueError("the first")
    for number in range(length):
        cause, error_ = error_, ValueError(number)
        error_.__cause__ = cause
    return error_


def nested_groups(levels: int) -> BaseException:
    """Groups in groups."""
    group: Any = ValueError("innermost")
    for _ in range(levels):
        group = ExceptionGroup("around", [group])
    return group


def bottomless() -> BaseException:
    """The error that Python raises in endless recursion."""

    def dig() -> None:
        dig()

    try:
        dig()
    except RecursionError as error:
        return error
    raise AssertionError


def misnamed() -> BaseException:
    """An error whose class has an unstorable name."""
    kind = type("Misnamed", (Exception,), {"__module__": 7})
    kind.__qualname__ = "a\0b\udc00" + "c" * 10_000
    return kind("a")


def with_bad_notes() -> BaseException:
    """An error whose notes are no list."""
    error: Any = ValueError("a")
    error.__notes__ = 7
    return error


def error(name: str, **methods: Any) -> Any:
    """A function that makes an error of a new class with these methods."""
    return lambda: hostile(name, Exception, "message", **methods)


EXCEPTIONS: list[Value] = [
    value("an error with a NUL", lambda: ValueError("a\0b")),
    value("an error with a surrogate", lambda: ValueError("a\ud800b")),
    value("an error with a message of 100 MB", lambda: ValueError("n" * 100_000_000)),
    value("an error without a message", ValueError),
    value("an error with a megabyte of arguments", lambda: ValueError(*range(150_000))),
    value("an error that cannot be pickled", error("Unpicklable", __reduce__=refuse)),
    value("an error whose str raises", error("Raises", __str__=refuse)),
    value("an error whose str and repr raise", error("Raises", __str__=refuse, __repr__=refuse)),
    value("an error whose str leaves the process", error("Leaves", __str__=leave)),
    value("an error whose str is no text", error("Numeric", __str__=lambda _: 7)),
    value("an error whose str has 100 MB", error("Loud", __str__=shout)),
    value("an error whose str never ends", error("Spins", __str__=spin), loops=True),
    value("an error whose class property raises", error("Masked", __class__=property(refuse))),
    value("an error that takes no notes", error("Noteless", add_note=refuse)),
    value("an error with bad notes", with_bad_notes),
    value("an error of a class with a bad name", misnamed),
    value("an error that is its own cause", cyclic),
    value("an error with 5,000 causes", lambda: chain(5_000)),
    value(
        "a group of errors", lambda: ExceptionGroup("two", [ValueError("a\0"), caught(KeyError(1))])
    ),
    value(
        "a group of 20,000 errors",
        lambda: ExceptionGroup("all", [ValueError(n) for n in range(20_000)]),
    ),
    value("2,000 levels of groups of errors", lambda: nested_groups(2_000)),
    value(
        "a group of objects that are no errors",
        lambda: BaseExceptionGroup("out", [KeyboardInterrupt()]),
    ),
    value("endless recursion", bottomless),
    value("a MemoryError", MemoryError),
    value("a BaseException", lambda: BaseException("base")),
    value("a SystemExit", lambda: SystemExit(3)),
    value("a KeyboardInterrupt", KeyboardInterrupt),
    value("a GeneratorExit", GeneratorExit),
    value("a StopIteration", lambda: StopIteration("over")),
    value("a StopAsyncIteration", StopAsyncIteration),
    value("a GreenletExit", GreenletExit),
    value("a CancelledError of asyncio", asyncio.CancelledError),
    value("a decoding error", lambda: UnicodeDecodeError("utf-8", b"\xff\x00", 0, 1, "bad")),
]
