"""Rows for people (a table) and for programs (JSON), on standard output."""

import dataclasses
import json
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
    """A value as JSON knows it."""
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
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    return value


def print_json(value: Any) -> None:
    """One JSON document."""
    print(json.dumps(plain(value), ensure_ascii=False, indent=2))


def print_json_line(value: Any) -> None:
    """One JSON document on one line, for a reader that waits for it."""
    print(json.dumps(plain(value), ensure_ascii=False), flush=True)


def print_rows(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table, or a line that says that there is nothing; where piped, lines with tabs."""
    if not console.is_terminal:
        print("\t".join(columns))
        for row in rows:
            print("\t".join(shown(value).replace("\n", "\\n") for value in row))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(shown(value)) for value in row))
    if table.row_count:
        console.print(table)
    else:
        console.print("nothing found")


def line(logged: LogLine) -> str:
    """A line of a job's log, as one line."""
    message = shown(logged.message).replace("\n", "\\n")
    return f"{shown(logged.logged_at)} {shown(logged.level):<7} {message}"


def shown(value: object) -> str:
    """A value for a person; control characters of foreign text are escaped."""
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
