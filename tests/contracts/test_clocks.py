"""No code reads the wall clock of a host, and no SQL the frozen clock of a transaction."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = sorted([*(ROOT / "pgqueue").rglob("*.py"), *(ROOT / "migrations").rglob("*.py")])
SQL = sorted((ROOT / "pgqueue").rglob("*.sql"))

# The uses that a file may have, each with its reason.
ALLOWED = {
    # A line on standard error has the time of its host.
    "pgqueue/telemetry/json_lines.py": ["created"],
    "pgqueue/telemetry/log_lines.py": ["time.strftime", "time.gmtime", "created"],
}

WALL = {
    *("time.time", "time.time_ns", "time.gmtime", "time.localtime", "time.ctime", "time.asctime"),
    *("time.strftime", "time.clock_gettime", "time.clock_gettime_ns"),
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
}
LASTING = {"monotonic", "monotonic_ns", "perf_counter", "process_time", "thread_time", "sleep"}

# `now()` is the start of the transaction: a lease renewed late in it would end too early.
FROZEN = re.compile(
    r"\b(now\s*\(\)|current_(timestamp|date|time)\b|local(timestamp|time)\b"
    r"|(transaction|statement)_timestamp\b)",
    re.IGNORECASE,
)


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_code_does_not_read_the_wall_clock(path: Path) -> None:
    allowed = ALLOWED.get(str(path.relative_to(ROOT)), [])

    assert sorted(allowed) == sorted(_wall_clock_uses(path.read_text()))


@pytest.mark.parametrize("path", [*CODE, *SQL], ids=lambda path: str(path.relative_to(ROOT)))
def test_sql_reads_the_clock_and_not_the_start_of_the_transaction(path: Path) -> None:
    text = re.sub(r"--.*", "", path.read_text())

    assert None is FROZEN.search(text)


@pytest.mark.parametrize(
    "text",
    [
        "import time\nx = time.time()",
        "from time import time\nx = time()",
        "import datetime\nx = datetime.datetime.now()",
        "from datetime import date\nx = date.today",
        "x = record.created",
    ],
)
def test_a_planted_use_of_the_wall_clock_is_found(text: str) -> None:
    assert [] != list(_wall_clock_uses(text))


def _wall_clock_uses(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (f"time.{name.name}" for name in node.names if name.name not in LASTING)
        elif isinstance(node, ast.Attribute):
            dotted = ".".join(ast.unparse(node).rsplit(".", 2)[-2:])
            if dotted in WALL or node.attr == "created":
                yield "created" if node.attr == "created" else dotted
