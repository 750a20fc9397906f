"""Secret arguments: hidden in a value by their paths, and in text by their characters.

The paths are those of a task's option `redact`, split at their dots. Pure; never decides which
arguments are secret.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

HIDDEN: Final = "[redacted]"
"""Stands where a secret would."""

CHARACTERS_MIN: Final = 3
"""Shorter secrets are left in text: to hide every `7` in a traceback would hide the traceback."""

SECRET_BYTES_MAX: Final = 1024 * 1024
"""No secret is longer, because no job's arguments are; text is cut that far beyond its limit at
first, so that what is cut through a secret is not shown."""

_RUN: Final = re.compile(rb"\x01+")

Path = Sequence[str]


def hide(value: Any, paths: Sequence[Path]) -> Any:
    """Return *value* with what lies at the paths hidden; a list is looked through, item by item."""
    if any(not path for path in paths):
        return HIDDEN
    if isinstance(value, dict):
        return {name: hide(each, below) for name, each, below in _inside(value, paths)}
    if isinstance(value, list):
        return [hide(each, below) for _, each, below in _inside(value, paths)]
    return value


def secrets_of(value: Any, paths: Sequence[Path]) -> tuple[str, ...]:
    """Return every form in which text may hold what lies at the paths, the longest first.

    Args:
        value: Arguments as they are stored, or as the task gets them.
    """
    forms = {form for leaf in _leaves(value, paths) for form in _forms(leaf)}
    kept = (form for form in forms if CHARACTERS_MIN <= len(form) <= SECRET_BYTES_MAX)
    return tuple(sorted(kept, key=_by_length))


def without(text: str, secrets: Iterable[str]) -> str:
    """Return *text* with each of the secrets hidden, those that overlap as one.

    At most four times as long: what was hidden is not looked at again.
    """
    text = str.__str__(text)  # it may be of a class of the user's, with methods of its own
    is_hidden = bytearray(len(text))
    for secret in secrets:
        at = text.find(secret)
        while at >= 0:
            after = at + len(secret)
            is_hidden[at:after] = b"\1" * len(secret)
            at = text.find(secret, after)
    shown, end = "", 0
    for hidden in _RUN.finditer(is_hidden):
        shown += text[end : hidden.start()] + HIDDEN
        end = hidden.end()
    return shown + text[end:]


def _inside(value: Any, paths: Sequence[Path]) -> Iterator[tuple[Any, Any, list[Path]]]:
    """What a dict or a list holds, each with the paths that lead on from there."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield name, each, [path[1:] for path in paths if path and path[0] == name]
    elif isinstance(value, list):
        for index, each in enumerate(value):
            into = [path[1:] for path in paths if path and path[0] == str(index)]
            yield index, each, [*paths, *into]


def _leaves(
    value: Any, paths: Sequence[Path], seen: frozenset[tuple[int, str]] = frozenset()
) -> Iterator[Any]:
    is_secret = any(not path for path in paths)
    held = _held(value)
    if held is None:
        if is_secret:
            yield value
        return
    if not paths or (here := (id(value), repr(paths))) in seen:
        return  # models of the user's may hold one another
    for name, each, below in _inside(held, paths):
        # A plain word is the name of a field: hidden, it would be missing from every traceback.
        if is_secret and isinstance(value, dict) and not _is_word(name):
            yield name
        yield from _leaves(each, [()] if is_secret else below, seen | {here})


def _held(value: Any) -> dict[Any, Any] | list[Any] | None:
    """What a container holds; None for what is no container."""
    if isinstance(value, dict | list):
        return value
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return dict(zip(value._fields, value, strict=True))
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    # A model or a dataclass. What is of the standard library tells itself in `_forms`.
    return None if _is_known(value) else getattr(value, "__dict__", None)


def _forms(leaf: Any) -> Iterator[str]:
    # As it is, and as it stands between the quotes of Python's repr, of JSON and of a log line.
    if isinstance(leaf, str):
        yield leaf
        yield repr(leaf)[1:-1]
        yield json.dumps(leaf)[1:-1]
        yield json.dumps(leaf, ensure_ascii=False)[1:-1]
        yield leaf.encode("unicode_escape", "backslashreplace").decode("ascii")
    elif isinstance(leaf, bytes | bytearray):
        yield repr(bytes(leaf))[2:-1]
        yield leaf.hex()
    elif leaf is not None and not isinstance(leaf, bool) and _is_known(leaf):
        yield str(leaf)
        yield repr(leaf)


def _is_word(name: object) -> bool:
    return isinstance(name, str) and str.isidentifier(name)


def _is_known(value: Any) -> bool:
    # The `__repr__` of a class of the user's may do anything.
    return type(value).__module__ in sys.stdlib_module_names


def _by_length(form: str) -> tuple[int, str]:
    return -len(form), form
