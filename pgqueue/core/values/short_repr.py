"""A value as short text, for errors and logs: never long, never an error, never a wait.

Only values of known harmless classes are shown; any other is shown as the name of its class.
"""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PosixPath
from typing import Any, Final
from uuid import UUID

from pgqueue.core.values.introspect import name_of, parts, plain_text

_CHARACTERS_MAX: Final = 80
_KEPT_CHARACTERS: Final = 60
_ITEMS_MAX: Final = 4
_DEPTH_MAX: Final = 3
_NUMBERS: Final = (int, float, complex, bool, type(None), Decimal)
_SHOWN: Final = (*_NUMBERS, bytes, UUID, PosixPath, date, datetime, time, timedelta)
_BRACKETS: Final[dict[type, tuple[str, str]]] = {
    dict: ("{", "}"),
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("{", "}"),
}


def short_repr(value: object) -> str:
    """Return a value as text of at most some 100 characters."""
    shown = _shown(value, 1)
    if len(shown) <= _CHARACTERS_MAX:
        return shown
    return f"{shown[:_KEPT_CHARACTERS]}… ({name_of(type(value))})"


def _shown(value: Any, depth: int) -> str:
    kind = type(value)
    if kind is str:
        return repr(plain_text(value, _CHARACTERS_MAX))
    if kind in _SHOWN:
        return _repr(value if kind is not bytes else value[:_CHARACTERS_MAX])
    if kind in _BRACKETS and depth <= _DEPTH_MAX:
        return _container(value, kind, depth)
    return f"<{name_of(kind)}>"


def _repr(value: object) -> str:
    try:
        return repr(value)
    except ValueError:  # Python refuses to write an integer of more than 4,300 digits
        return f"<{name_of(type(value))}>"


def _container(value: Any, kind: type, depth: int) -> str:
    items: list[str] = []
    for step, item in parts(value):
        if len(items) == _ITEMS_MAX:
            items.append("…")
            break
        key = f"{_shown(step, depth + 1)}: " if kind is dict else ""
        items.append(key + _shown(item, depth + 1))
    opening, closing = _BRACKETS[kind]
    return f"{opening}{', '.join(items)}{closing}"
