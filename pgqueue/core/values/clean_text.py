"""Text made storable, for logs, errors and progress: bad text must not keep a job from ending."""

import re
from typing import Final

REPLACEMENT: Final = "\ufffd"
"""Replaces each character that PostgreSQL cannot store."""

_CUT: Final = "…[cut]"
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")


def clean_text(text: str, bytes_max: int) -> str:
    """Return text that PostgreSQL can store, at most *bytes_max* bytes of UTF-8 long.

    NUL and lone surrogates become U+FFFD. Text that is too long is cut and ends in `…[cut]`. No
    method of a subclass of str is called.
    """
    # A character takes at least one byte, so the rest of a line of 1 GB is not read.
    clean = str.__getitem__(text, slice(bytes_max + 1))
    if len(clean) <= bytes_max and clean.isascii() and "\0" not in clean:
        return clean
    clean = _UNSTORABLE.sub(REPLACEMENT, clean)
    encoded = clean.encode()
    if len(encoded) <= bytes_max:
        return clean
    ending = _CUT if bytes_max >= len(_CUT.encode()) else ""
    beginning = encoded[: bytes_max - len(ending.encode())].decode(errors="ignore")
    return beginning + ending
