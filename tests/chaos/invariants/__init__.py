"""What must hold, each an SQL file that answers with the rows that break it."""

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
    """From when on an invariant holds."""

    ALWAYS = "always"
    REST = "rest"
    """All is healed and nothing is left to do; the supervisors live."""
    STOPPED = "stopped"
    """The supervisors have been stopped, and the ledger is at hand."""


@dataclass(frozen=True, slots=True)
class Invariant:
    """One of them: its file's name, its first line, when it holds, and its text."""

    name: str
    title: str
    when: When
    text: str

    def broken(self, connection: "psycopg.Connection[Any]") -> Sequence[dict[str, Any]]:
        """The rows that break it, the first thousand."""
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
        raise ValueError(f"{path.name} does not begin with what it says, and when")
    return Invariant(path.stem, head["title"], When(head["when"]), text)
