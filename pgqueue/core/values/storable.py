"""The values that can be stored as jsonb and read back equal, and their JSON text.

jsonb stores numbers as decimals: it drops the sign of -0.0, prints 1e22 as an integer and 5e-324
with 324 digits. So -0.0 is refused among arguments, and no float is written with an exponent.
Large whole floats end in `.0`, which jsonb preserves; small ones are as long as their counted size.
jsonb sorts the keys of objects; their order is not promised.
"""

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from math import copysign, isfinite
from typing import Any, Final, cast

from pgqueue.core.errors import UnstorableValue
from pgqueue.core.values.introspect import name_of

DEPTH_MAX: Final = 64
"""Levels of lists and objects, the outermost one included."""

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1

_write = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")
).encode
_STRING_OR_EXPONENT: Final = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?e[+-]\d+')
_KINDS: Final = (str, int, float, dict, list)
_SHOWN_STEPS_MAX: Final = 12
_STEP_CHARACTERS_MAX: Final = 60
TYPE_ADVICE: Final = "Annotate the parameter with its type, or pass what JSON can hold."
"""For values that a type hint would make storable."""


class NotStorable(Exception):
    """A value that cannot be stored, with the steps to it collected from the inside out."""

    def __init__(self, value: object, reason: str) -> None:
        super().__init__(reason)
        self.value = value
        self.reason = reason
        self.steps: list[object] = []

    def refusal(self, root: str) -> UnstorableValue:
        """Return the error for the caller, whose path starts at *root*."""
        return UnstorableValue(path_text(root, list(reversed(self.steps))), self.value, self.reason)


def check_storable(value: object, path: str = "args", *, exact: bool = True) -> None:
    """Refuse a JSON value that PostgreSQL cannot store, or that would not read back equal.

    Args:
        value: Made of dict, list, str, int, float, bool and None.
        path: The name of the value in the error.
        exact: Refuse -0.0 and subclasses of the JSON types, too: they come back different.

    Raises:
        UnstorableValue: With the path of the bad value.
    """
    try:
        examine(value, exact=exact)
    except NotStorable as problem:
        raise problem.refusal(path) from None


def are_plain(values: Iterable[object], length_max: int) -> bool:
    """Return whether all values can be stored as they are, without a further check.

    True for small integers, booleans, None, and short ASCII text without NUL. False says nothing.
    """
    for value in values:
        kind = type(value)
        if kind is str:
            text = cast("str", value)
            if len(text) > length_max or not text.isascii() or "\0" in text:
                return False
        elif kind is int:
            if not INT_MIN <= cast("int", value) <= INT_MAX:
                return False
        elif kind is not bool and value is not None:
            return False
    return True


def write_json(value: object) -> str:
    """Return the JSON text of a checked value."""
    text = _write(value)
    if "e+" in text or "e-" in text:
        return _STRING_OR_EXPONENT.sub(_write_out, text)
    return text


def path_text(root: str, steps: Iterable[object]) -> str:
    """Return a path as Python writes it: `args.items[3].name`."""
    parts = [_step_text(step) for step in steps]
    if len(parts) > _SHOWN_STEPS_MAX:
        parts = [*parts[:_SHOWN_STEPS_MAX], "…"]
    return root + "".join(parts)


def examine(value: object, *, exact: bool, depth: int = 1) -> None:
    """Do as `check_storable`, but raise NotStorable, for callers that know the path."""
    kind = type(value)
    if not exact and kind not in _KINDS:
        kind = next((base for base in _KINDS if isinstance(value, base)), kind)
    if kind is str:
        _examine_text(cast("str", value))
    elif kind is int:
        _examine_int(cast("int", value))
    elif kind is float:
        _examine_float(cast("float", value), exact)
    elif kind is dict or kind is list:
        _examine_container(cast("dict[Any, object] | list[object]", value), exact, depth)
    elif kind is not bool and value is not None:
        raise NotStorable(value, f"JSON has no type {name_of(kind)}. {TYPE_ADVICE}")


def _examine_text(text: str) -> None:
    if "\0" in text:
        raise NotStorable(
            text, "it holds a NUL character, which PostgreSQL cannot store. Remove it."
        )
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise NotStorable(
                text, "it holds a lone surrogate, which is no character. Decode it properly."
            ) from None


def _examine_int(number: int) -> None:
    if not INT_MIN <= number <= INT_MAX:
        raise NotStorable(number, "it is outside the 64-bit integers. Pass it as text.")


def _examine_float(number: float, exact: bool) -> None:
    if not isfinite(number):
        raise NotStorable(number, "JSON has no NaN and no infinity. Pass None or text instead.")
    if exact and number == 0 and copysign(1, number) < 0:
        raise NotStorable(number, "jsonb would drop its sign. Add 0.0 to it, which makes it 0.0.")


def _examine_container(value: dict[Any, object] | list[object], exact: bool, depth: int) -> None:
    if depth > DEPTH_MAX:
        raise NotStorable(
            value, f"it is nested deeper than {DEPTH_MAX} levels, or contains itself. Flatten it."
        )
    items: Iterable[tuple[Any, object]]
    if isinstance(value, dict):
        for key in value:
            _examine_key(key)
        items = value.items()
    else:
        items = enumerate(value)
    for step, item in items:
        try:
            examine(item, exact=exact, depth=depth + 1)
        except NotStorable as problem:
            problem.steps.append(step)
            raise


def _examine_key(key: object) -> None:
    if type(key) is not str:
        raise NotStorable(
            key, f"it is a key of type {name_of(type(key))}, and JSON has only text keys."
        )
    try:
        _examine_text(key)
    except NotStorable as problem:
        raise NotStorable(key, f"it is a key, and {problem.reason}") from None


def _step_text(step: object) -> str:
    text = f".{step}" if isinstance(step, str) and step.isidentifier() else f"[{step!a}]"
    return text if len(text) <= _STEP_CHARACTERS_MAX else f"{text[:_STEP_CHARACTERS_MAX]}…"


def _write_out(match: re.Match[str]) -> str:
    text = match[0]
    if text.startswith('"'):
        return text
    written = f"{Decimal(text):f}"
    return written if "." in written else f"{written}.0"
