"""Text made storable: for logs, errors and progress, which must never keep a job from ending."""

import re
from typing import Final

REPLACEMENT: Final = "\ufffd"
"""Stands for each character that PostgreSQL cannot store."""

_MARK: Final = "…[cut]"
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")


def clean_text(text: str, bytes_max: int) -> str:
    """Return text that PostgreSQL takes, at most so many bytes of UTF-8 long.

    NUL and lone surrogates become U+FFFD, and what is too long is cut with a mark at its end. Of
    a class of text that is not Python's own no method is called.
    """
    # A character takes at least one byte: the rest of a line of 1 GB is never looked at.
    clean = str.__getitem__(text, slice(bytes_max + 1))
    if len(clean) <= bytes_max and clean.isascii() and "\0" not in clean:
        return clean
    clean = _UNSTORABLE.sub(REPLACEMENT, clean)
    encoded = clean.encode()
    if len(encoded) <= bytes_max:
        return clean
    mark = _MARK if bytes_max >= len(_MARK.encode()) else ""
    kept = encoded[: bytes_max - len(mark.encode())].decode(errors="ignore")
    return kept + mark
