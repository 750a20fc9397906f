"""The invariants: one SQL file each, whose rows are its violations."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

_FOLDER = Path(__file__).parent
_HEAD = re.compile(r"-- (?P<title>.+?)\.\n(?:--.*\n)*?-- When: (?P<when>\w+)\.\n")

_ROWS_MAX = 1_000


class When(StrEnum):
    """The moment from which an invariant holds."""

    ALWAYS = "always"
    REST = "rest"
    """All faults are healed and all jobs are final; the supervisors are alive."""
    STOPPED = "stopped"
    """The supervisors have stopped, and the ledger is in the tables."""


@dataclass(frozen=True, slots=True)
class Invariant:
    """One invariant: its file's name, its first line, the moment, and its text."""

    name: str
    title: str
    when: When
    text: str

    def broken(self, connection: "psycopg.Connection[Any]") -> Sequence[dict[str, Any]]:
        """Its violations, at most a thousand."""
        with connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(self.text.encode()).fetchmany(_ROWS_MAX)


@cache
def load() -> tuple[Invariant, ...]:
    """Every invariant, by name."""
    return tuple(_read(path) for path in sorted(_FOLDER.glob("*.sql")))


def _read(path: Path) -> Invariant:
    text = path.read_text()
    head = _HEAD.match(text)
    if head is None:
        raise ValueError(f"{path.name} does not begin with its title and `-- When:`")
    return Invariant(path.stem, head["title"], When(head["when"]), text)
