"""Objects: of classes that JSON does not have, and of classes whose methods misbehave."""

import threading
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any, NoReturn

from matrix.value import value


class Plain:
    """A plain class."""


class Colour(Enum):
    """An enum."""

    RED = "red"


class Level(IntEnum):
    """An enum of ints."""

    HIGH = 3


class Name(str):
    """A text with a class of its own."""


class Count(int):
    """An integer with a class of its own."""


class Table(dict[str, int]):
    """A dict with a class of its own."""


@dataclass
class Line:
    """A dataclass with a value that cannot be stored."""

    name: str = "a\0b"


def refuse(*args: Any, **named: Any) -> NoReturn:
    """Raise."""
    raise RuntimeError("refused")


def leave(*args: Any) -> NoReturn:
    """Try to end the process."""
    raise SystemExit(7)


def spin(*args: Any) -> NoReturn:
    """Never return."""
    while True:
        pass


def shout(*args: Any) -> str:
    """Return a very long text."""
    return "n" * 100_000_000


def hostile(name: str, base: type = object, /, *arguments: Any, **methods: Any) -> Any:
    """An object of a new class with these methods."""
    return type(name, (base,), methods)(*arguments)


class Sealed:
    """An object that refuses every method, its class included."""

    __class__ = property(refuse)  # type: ignore[assignment]
    __str__ = __repr__ = __eq__ = __hash__ = __len__ = __iter__ = __bool__ = refuse  # type: ignore[assignment]
    __getattr__ = refuse


METHODS_OF_TEXT = (
    "__str__",
    "__repr__",
    "__len__",
    "__getitem__",
    "__iter__",
    "__eq__",
    "__hash__",
    "__mod__",
    "__contains__",
    "encode",
    "translate",
    "isascii",
    "isprintable",
)

OBJECTS = [
    value("an object", Plain),
    value("a class", lambda: Plain),
    value("a function", lambda: shout),
    value("a module", lambda: threading),
    value("a lock", threading.Lock),
    value("an enum member", Colour.RED),
    value("an enum member that is an int", Level.HIGH),
    value("a text of another class", lambda: Name("a"), "queue task tag"),
    value("an integer of another class", lambda: Count(1)),
    value("a dict of another class", lambda: Table(a=1)),
    value("a dataclass with a NUL inside", Line),
    value("a date", datetime(2026, 11, 23, tzinfo=UTC)),
    value("a duration", timedelta(days=1)),
    value("a UUID", uuid.UUID(int=1)),
    value("a path", Path("/tmp")),
    value("an object whose str raises", lambda: hostile("Raises", __str__=refuse)),
    value("an object whose repr raises", lambda: hostile("Raises", __repr__=refuse)),
    value("an object whose str leaves the process", lambda: hostile("Leaves", __str__=leave)),
    value("an object whose str is no text", lambda: hostile("Numeric", __str__=lambda _: 7)),
    value("an object whose repr is no text", lambda: hostile("Numeric", __repr__=lambda _: 7)),
    value("an object whose str has 100 MB", lambda: hostile("Loud", __str__=shout)),
    value("an object whose repr has 100 MB", lambda: hostile("Loud", __repr__=shout)),
    value("an object whose str never ends", lambda: hostile("Spins", __str__=spin), loops=True),
    value("an object whose repr never ends", lambda: hostile("Spins", __repr__=spin), loops=True),
    value("an object that refuses everything", Sealed),
    value(
        "a text that refuses everything",
        lambda: hostile("Text", str, "a", **dict.fromkeys(METHODS_OF_TEXT, refuse)),
        "queue task tag",
    ),
    value(
        "a list that never ends", lambda: hostile("Endless", list, [1], __iter__=spin), loops=True
    ),
    value(
        "a dict that refuses its items",
        lambda: hostile("Mute", dict, {"a": 1}, items=refuse, keys=refuse),
    ),
]
