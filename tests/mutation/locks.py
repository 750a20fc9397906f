"""Finds how a statement locks rows, and makes statements of it that lock them otherwise."""

import re
from collections.abc import Iterator

_LOCK = re.compile(
    r"(?P<order>order by [^\n]+\n)?(?P<limit>\s+limit [^\n]+\n)?"
    r"\s*(?P<lock>for (?P<mode>no key update|key share|update|share)"
    r"(?P<of> of \w+)?(?P<skip> skip locked)?)"
)

# A weaker mode lets go on whom the statement must keep waiting; key share has none below it, and
# what is too strong keeps waiting whom it must let go on.
_OTHER_MODES = {"update": "key share", "no key update": "key share", "key share": "no key update"}


def altered(text: str) -> Iterator[tuple[str, str]]:
    """Each of a statement's locks altered in one way: what was done, and the statement then."""
    for found in _LOCK.finditer(_without_comments(text)):
        lock, mode = found["lock"], found["mode"]
        yield f"{lock}: none", _replaced(text, found, "lock", "")
        other = lock.replace(mode, _OTHER_MODES[mode])
        yield f"{lock}: {_OTHER_MODES[mode]}", _replaced(text, found, "lock", other)
        if found["skip"]:
            yield f"{lock}: waits", _replaced(text, found, "skip", "")
        else:
            yield f"{lock}: skips", _replaced(text, found, "lock", f"{lock} skip locked")
        if found["order"]:
            yield f"{lock}: in no order", _replaced(text, found, "order", "\n")


def _replaced(text: str, found: re.Match[str], group: str, instead: str) -> str:
    return text[: found.start(group)] + instead + text[found.end(group) :]


def _without_comments(text: str) -> str:
    # Of the same length, so that places are the same.
    return re.sub(r"--[^\n]*", lambda comment: " " * len(comment.group()), text)
