"""One kind of value, and what a person would expect to become of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Value:
    """A kind of value.

    Args:
        name: As the object of a sentence: it is part of the test's id.
        make: Makes it afresh; some are too large, or too hostile, to be kept.
        fits: Where the API takes it as it is: any of `argument`, `key`, `queue`, `task` and `tag`.
        json: As somebody would write it into SQL; None when Python's own encoder writes it.
        loops: Whether looking at it runs for ever.
    """

    name: str
    make: Callable[[], Any]
    fits: frozenset[str] = frozenset()
    json: str | None = None
    loops: bool = False

    def as_json(self) -> str | None:
        """The JSON text that an SQL client would send; None when no client could."""
        if self.json is not None or self.loops:
            return self.json
        try:
            return json.dumps(self.make())
        except Exception:
            return None


def value(name: str, make: Any, fits: str = "", **details: Any) -> Value:
    """A value that is written in one line; what is no function makes itself."""
    maker = make if callable(make) else lambda: make
    return Value(name, maker, frozenset(fits.split()), **details)
