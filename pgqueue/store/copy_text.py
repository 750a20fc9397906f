"""Rows in the text format of COPY: fields between tabs, lines between newlines.

For rows that differ in one column only, as the jobs of one call do in their arguments: what they
share is written out once, where psycopg would write it for each. Knows no table.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

Field = str | int | float | datetime | tuple[str, ...] | None
"""What can be written: `bool` is an `int`, a tuple is an array of texts."""

_NULL = "\\N"


def rows_alike(before: Iterable[Field], texts: Sequence[str], after: Iterable[Field]) -> bytes:
    """A row for each of *texts*, which stands between the fields *before* and those *after* it."""
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
    # The backslash first: the others are written with one.
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
