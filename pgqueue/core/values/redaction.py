"""Secret arguments: hidden in a value by their paths, and in text by their characters.

The paths are those of a task's option `redact`, split at their dots. Pure; never decides which
arguments are secret.
"""

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from itertools import islice
from typing import Any, Final

from pgqueue.core.values import introspect

HIDDEN: Final = "[redacted]"
"""Stands where a secret would."""

CHARACTERS_MIN: Final = 3
"""Shorter secrets are left in text: to hide every `7` in a traceback would hide the traceback."""

SECRET_BYTES_MAX: Final = 1024 * 1024
"""No secret is longer, because no job's arguments are; text is cut that far beyond its limit at
first, so that what is cut through a secret is not shown."""

# Arguments of a mebibyte hold fewer; decoded, they may hold one another.
_LEAVES_MAX: Final = SECRET_BYTES_MAX

# What arguments may be beside JSON's own: numbers, and these of the standard library's modules.
_SCALARS: Final = frozenset(("datetime", "decimal", "uuid", "pathlib", "ipaddress", "fractions"))

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
    leaves = islice(_leaves(value, paths, set()), _LEAVES_MAX)
    forms = {form for leaf in leaves for form in _forms(leaf)}
    kept = (form for form in forms if CHARACTERS_MIN <= len(form) <= SECRET_BYTES_MAX)
    return tuple(sorted(kept, key=_by_length))


def without(text: str, secrets: Iterable[str]) -> str:
    """Return *text* with each of the secrets hidden, different ones that overlap as one.

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


def _leaves(value: Any, paths: Sequence[Path], seen: set[tuple[int, str]]) -> Iterator[Any]:
    is_secret = any(not path for path in paths)
    held = _held(value)
    if held is None:
        if is_secret:
            yield value
        return
    here = (id(value), repr(paths))
    if not paths or here in seen:
        return  # models of the user's may hold one another
    seen.add(here)
    for name, each, below in _inside(held, paths):
        # A plain word is the name of a field: hidden, it would be missing from every traceback.
        if is_secret and isinstance(value, dict) and not _is_word(name):
            yield name
        yield from _leaves(each, [()] if is_secret else below, seen)


def _held(value: Any) -> dict[Any, Any] | list[Any] | None:
    """What a container or a model holds; None for what is neither."""
    if isinstance(value, dict):
        return dict(dict.items(value))
    if isinstance(value, deque):
        return list(deque.__iter__(value))
    if isinstance(value, list | tuple | set | frozenset):
        return [each for _, each in introspect.parts(value)]
    return None if introspect.field_names(value) is None else dict(introspect.parts(value))


def _forms(leaf: Any) -> Iterator[str]:
    # As it is, and as it stands between the quotes of Python's repr, of JSON and of a log line.
    if isinstance(leaf, Enum):
        leaf = leaf._value_
    if isinstance(leaf, str):
        text = str.__str__(leaf)
        yield text
        yield repr(text)[1:-1]
        yield json.dumps(text)[1:-1]
        yield json.dumps(text, ensure_ascii=False)[1:-1]
        yield text.encode("unicode_escape", "backslashreplace").decode("ascii")
    elif isinstance(leaf, bytes | bytearray):
        plain = bytes(memoryview(leaf))
        yield repr(plain)[2:-1]
        yield plain.hex()
    elif leaf is not None and not isinstance(leaf, bool) and (kind := _scalar(type(leaf))):
        yield kind.__str__(leaf)
        yield kind.__repr__(leaf)


def _scalar(kind: type) -> Any:
    # Of a class of the user's, what it is made from: its own `__repr__` may do anything.
    bases = type.mro(kind)
    return next((each for each in bases if each in (int, float) or _module(each) in _SCALARS), None)


def _module(kind: type) -> str:
    return kind.__module__.partition(".")[0]


def _is_word(name: object) -> bool:
    return isinstance(name, str) and str.isidentifier(name)


def _by_length(form: str) -> tuple[int, str]:
    return -len(form), form
