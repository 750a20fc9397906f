"""The figures of a report, one SQL file each."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

_FOLDER = Path(__file__).parent

Rows = list[dict[str, Any]]


def collect(connection: "psycopg.Connection[Any]") -> dict[str, Rows]:
    """The rows of every figure, by the name of its file."""
    return {path.stem: _rows(connection, path) for path in sorted(_FOLDER.glob("*.sql"))}


def _rows(connection: "psycopg.Connection[Any]", path: Path) -> Rows:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(path.read_bytes()).fetchall()
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: object) -> object:
    return round(float(value), 3) if isinstance(value, Decimal | float) else value
