"""Text made storable: for logs, errors and progress, which must never keep a job from ending."""

from typing import Final

_MARK: Final = "…[cut]"
_REPLACEMENTS: Final = {0: "\ufffd", **dict.fromkeys(range(0xD800, 0xE000), "\ufffd")}


def clean_text(text: str, bytes_max: int) -> str:
    """Return text that PostgreSQL takes, at most so many bytes of UTF-8 long.

    NUL and lone surrogates become U+FFFD, and what is too long is cut with a mark at its end.
    """
    if len(text) <= bytes_max and text.isascii() and "\0" not in text:
        return text
    # A character takes at least one byte: the rest of a line of 1 GB is never looked at.
    clean = text[: bytes_max + 1].translate(_REPLACEMENTS)
    encoded = clean.encode()
    if len(encoded) <= bytes_max:
        return clean
    mark = _MARK if bytes_max >= len(_MARK.encode()) else ""
    kept = encoded[: bytes_max - len(mark.encode())].decode(errors="ignore")
    return kept + mark
