"""Secret arguments: hidden in a value by their paths, and in text by their characters.

The paths are those of a task's option `redact`, split at their dots. Pure; never decides which
arguments are secret.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

HIDDEN: Final = "[redacted]"
"""Stands where a secret would."""

CHARACTERS_MIN: Final = 3
"""Shorter secrets are left in text: to hide every `7` in a traceback would hide the traceback."""

SECRET_BYTES_MAX: Final = 1024 * 1024
"""No secret is longer, because no job's arguments are; text is cut that far beyond its limit at
first, so that what is cut through a secret is not shown."""

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
    """Return every form in which text may hold what lies at the paths, the longest first."""
    forms = {form for leaf in _leaves(value, paths) for form in _forms(leaf)}
    return tuple(sorted((form for form in forms if len(form) >= CHARACTERS_MIN), key=_by_length))


def without(text: str, secrets: Iterable[str]) -> str:
    """Return *text* with each of the secrets hidden."""
    for secret in secrets:
        # Not the method of the text: it may be of a class of the user's.
        text = str.replace(text, secret, HIDDEN)
    return text


def _inside(value: Any, paths: Sequence[Path]) -> Iterator[tuple[Any, Any, list[Path]]]:
    """What a dict or a list holds, each with the paths that lead on from there."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield name, each, [path[1:] for path in paths if path and path[0] == name]
    elif isinstance(value, list):
        for index, each in enumerate(value):
            into = [path[1:] for path in paths if path and path[0] == str(index)]
            yield index, each, [*paths, *into]


def _leaves(value: Any, paths: Sequence[Path]) -> Iterator[Any]:
    is_secret = any(not path for path in paths)
    if not isinstance(value, dict | list):
        if is_secret:
            yield value
        return
    for _, each, below in _inside(value, paths):
        yield from _leaves(each, [()] if is_secret else below)


def _forms(leaf: Any) -> Iterator[str]:
    # As it is, and as it stands between the quotes of Python's repr, of JSON and of a log line.
    if isinstance(leaf, str):
        yield leaf
        yield repr(leaf)[1:-1]
        yield json.dumps(leaf)[1:-1]
        yield json.dumps(leaf, ensure_ascii=False)[1:-1]
        yield leaf.encode("unicode_escape", "backslashreplace").decode("ascii")
    elif isinstance(leaf, int | float) and not isinstance(leaf, bool):
        yield repr(leaf)


def _by_length(form: str) -> tuple[int, str]:
    return -len(form), form
