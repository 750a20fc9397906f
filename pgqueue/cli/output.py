"""Rows for people (a table) and for programs (JSON), on standard output."""

import dataclasses
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pgqueue.core.job import LogLine

console = Console(highlight=False, soft_wrap=True)


def plain(value: Any) -> Any:
    """A value made of what JSON has: dataclasses become objects, moments become text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if not field.name.startswith("_")
        }
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value


def print_json(value: Any) -> None:
    """Print one JSON document."""
    print_json_text(json.dumps(plain(value), ensure_ascii=False, indent=2))


def print_json_line(value: Any) -> None:
    """Print one JSON document on one line, at once, for a reader that waits for it."""
    print_json_text(json.dumps(plain(value), ensure_ascii=False))
    sys.stdout and sys.stdout.flush()


def print_json_text(text: str) -> None:
    """Print JSON text, which stays JSON in every encoding of standard output."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    if not encoding.lower().startswith("utf"):
        # Characters beyond ASCII stand in strings alone, where JSON has its own way to write them.
        text = "".join(c if c.isascii() else json.dumps(c)[1:-1] for c in text)
    print(text)


def print_rows(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table, or `nothing found`; into a pipe, lines with tabs."""
    if not console.is_terminal:
        print("\t".join(columns))
        for row in rows:
            print("\t".join(for_person(value).replace("\n", "\\n") for value in row))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(for_person(value)) for value in row))
    if table.row_count:
        console.print(table)
    else:
        console.print("nothing found")


def log_line(line: LogLine) -> str:
    """A line of a job's log, on one line of text."""
    message = for_person(line.message).replace("\n", "\\n")
    return f"{for_person(line.logged_at)} {for_person(line.level):<7} {message}"


def for_person(value: object) -> str:
    """A value as text for a person; control characters are escaped."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(plain(value), ensure_ascii=False)
    text = str(value)
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)
