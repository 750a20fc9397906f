"""One kind of value, and its expected treatment."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Value:
    """A kind of value.

    Args:
        name: The object of a sentence, which is part of the test's id.
        make: Makes a new one, as some are too large or too hostile to be kept.
        fits: The parts that take it unchanged: `argument`, `key`, `queue`, `task` and `tag`.
        json: Its JSON text for SQL; None when Python's encoder writes it.
        loops: Whether one of its methods never returns.
        is_unfinished: Whether it stands for work that is not done; as a result it is a failure.
    """

    name: str
    make: Callable[[], Any]
    fits: frozenset[str] = frozenset()
    json: str | None = None
    loops: bool = False
    is_unfinished: bool = False

    def as_json(self) -> str | None:
        """The JSON text that an SQL client would send; None when no client can."""
        if self.json is not None or self.loops:
            return self.json
        try:
            return json.dumps(self.make())
        except Exception:
            return None


def value(name: str, make: Any, fits: str = "", **details: Any) -> Value:
    """A value in one line; *make* is a function, or the value itself."""
    maker = make if callable(make) else lambda: make
    return Value(name, maker, frozenset(fits.split()), **details)
