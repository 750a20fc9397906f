"""Rows in the text format of COPY: fields between tabs, lines between newlines.

For rows that differ in one column only, as the jobs of one call differ in their arguments. Their
other columns are converted once; psycopg would convert them for each row. Knows no table.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

Field = str | int | float | datetime | tuple[str, ...] | None
"""A value that can be written. A `bool` is an `int`; a tuple is an array of texts."""

_NULL = "\\N"


def similar_rows(before: Iterable[Field], texts: Sequence[str], after: Iterable[Field]) -> bytes:
    """A row for each text: the fields *before*, the text, the fields *after*."""
    if not texts:
        return b""
    head = "".join(f"{_field(value)}\t" for value in before)
    tail = "".join(f"\t{_field(value)}" for value in after) + "\n"
    rows = f"{tail}{head}".join(map(_escaped, texts))
    return f"{head}{rows}{tail}".encode()


def _field(value: Field) -> str:
    if value is None:
        return _NULL
    if isinstance(value, str):
        return _escaped(value)
    if isinstance(value, tuple):
        return _escaped(_array(value))
    return str(value)


def _array(texts: Iterable[str]) -> str:
    quoted = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return "{" + ",".join(f'"{text}"' for text in quoted) + "}"


def _escaped(text: str) -> str:
    # The backslash comes first, as the other escapes add backslashes.
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
