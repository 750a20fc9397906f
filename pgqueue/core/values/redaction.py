"""Secret arguments: hidden in a value by their paths, and in text by their characters.

The paths come from a task's option `redact`, split at their dots. This module never decides which
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
"""Replaces a secret."""

CHARACTERS_MIN: Final = 3
"""Shorter secrets stay in text: without every `7`, a traceback could not be read."""

SECRET_BYTES_MAX: Final = 1024 * 1024
"""No secret is longer, because no job's arguments are. Text is first cut this far beyond its limit,
so that a secret is never cut in two before it is hidden."""

# Arguments of a mebibyte have fewer values; decoded, they may contain one another.
_LEAVES_MAX: Final = SECRET_BYTES_MAX

# The modules of the standard library whose values arguments may be, beside those of JSON.
_SCALARS: Final = frozenset(("datetime", "decimal", "uuid", "pathlib", "ipaddress", "fractions"))

_RUN: Final = re.compile(rb"\x01+")

Path = Sequence[str]


def hide(value: Any, paths: Sequence[Path]) -> Any:
    """Return *value* with the values at the paths hidden; a path leads into each item of a list."""
    if any(not path for path in paths):
        return HIDDEN
    if isinstance(value, dict):
        return {name: hide(item, below) for name, item, below in _inside(value, paths)}
    if isinstance(value, list):
        return [hide(item, below) for _, item, below in _inside(value, paths)]
    return value


def secrets_of(value: Any, paths: Sequence[Path]) -> tuple[str, ...]:
    """Return every form that the values at the paths may have in text, the longest first.

    Args:
        value: Arguments in their stored form, or as the task gets them.
    """
    leaves = islice(_leaves(value, paths, set()), _LEAVES_MAX)
    forms = {form for leaf in leaves for form in _forms(leaf)}
    secrets = (form for form in forms if CHARACTERS_MIN <= len(form) <= SECRET_BYTES_MAX)
    return tuple(sorted(secrets, key=_by_length))


def without(text: str, secrets: Iterable[str]) -> str:
    """Return *text* with each of the secrets hidden; secrets that overlap are hidden as one.

    The result is at most four times as long: a hidden part is not searched again.
    """
    text = str.__str__(text)  # its class may be the application's, with methods of its own
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
    """The items of a dict or a list, each with its name and the paths that lead on from it."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield name, item, [path[1:] for path in paths if path and path[0] == name]
    elif isinstance(value, list):
        for index, item in enumerate(value):
            into = [path[1:] for path in paths if path and path[0] == str(index)]
            yield index, item, [*paths, *into]


def _leaves(value: Any, paths: Sequence[Path], seen: set[tuple[int, str]]) -> Iterator[Any]:
    is_secret = any(not path for path in paths)
    container = _container(value)
    if container is None:
        if is_secret:
            yield value
        return
    visit = (id(value), repr(paths))
    if not paths or visit in seen:
        return  # models of the application may contain one another
    seen.add(visit)
    for name, item, below in _inside(container, paths):
        # A plain word is the name of a field: without it no traceback could be read.
        if is_secret and isinstance(value, dict) and not _is_word(name):
            yield name
        yield from _leaves(item, [()] if is_secret else below, seen)


def _container(value: Any) -> dict[Any, Any] | list[Any] | None:
    """The items of a container or a model; None for any other value."""
    if isinstance(value, dict):
        return dict(dict.items(value))
    if isinstance(value, deque):
        return list(deque.__iter__(value))
    if isinstance(value, list | tuple | set | frozenset):
        return [item for _, item in introspect.parts(value)]
    return None if introspect.field_names(value) is None else dict(introspect.parts(value))


def _forms(leaf: Any) -> Iterator[str]:
    # As it is, and as it appears between the quotes of Python's repr, of JSON and of a log line.
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
    # For a class of the application, its base: the class's own `__repr__` may do anything.
    bases = type.mro(kind)
    return next((base for base in bases if base in (int, float) or _module(base) in _SCALARS), None)


def _module(kind: type) -> str:
    return kind.__module__.partition(".")[0]


def _is_word(name: object) -> bool:
    return isinstance(name, str) and str.isidentifier(name)


def _by_length(form: str) -> tuple[int, str]:
    return -len(form), form
