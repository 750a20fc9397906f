"""Finds the row locks of a statement, and alters them."""

import re
from collections.abc import Iterator

_LOCK = re.compile(
    r"(?P<order>order by [^\n]+\n)?(?P<limit>\s+limit [^\n]+\n)?"
    r"\s*(?P<lock>for (?P<mode>no key update|key share|update|share)"
    r"(?P<of> of \w+)?(?P<skip> skip locked)?)"
)

# A weaker mode lets sessions continue that must wait. Key share is the weakest mode; a stronger one
# makes sessions wait that must continue.
_OTHER_MODES = {"update": "key share", "no key update": "key share", "key share": "no key update"}


def altered(text: str) -> Iterator[tuple[str, str]]:
    """Each lock of a statement altered in each way: a label, and the altered statement."""
    for match in _LOCK.finditer(_without_comments(text)):
        lock, mode = match["lock"], match["mode"]
        yield f"{lock}: none", _replaced(text, match, "lock", "")
        other = lock.replace(mode, _OTHER_MODES[mode])
        yield f"{lock}: {_OTHER_MODES[mode]}", _replaced(text, match, "lock", other)
        if match["skip"]:
            yield f"{lock}: waits", _replaced(text, match, "skip", "")
        else:
            yield f"{lock}: skips", _replaced(text, match, "lock", f"{lock} skip locked")
        if match["order"]:
            yield f"{lock}: in no order", _replaced(text, match, "order", "\n")


def _replaced(text: str, match: re.Match[str], group: str, replacement: str) -> str:
    return text[: match.start(group)] + replacement + text[match.end(group) :]


def _without_comments(text: str) -> str:
    # Blanks of equal length keep the offsets.
    return re.sub(r"--[^\n]*", lambda comment: " " * len(comment.group()), text)
