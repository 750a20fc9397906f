"""Nothing of ours asks a host's wall clock what time it is, nor a transaction's frozen one."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = sorted([*(ROOT / "pgqueue").rglob("*.py"), *(ROOT / "migrations").rglob("*.py")])
SQL = sorted((ROOT / "pgqueue").rglob("*.sql"))

# By file, what it may ask, each with the reason.
ALLOWED = {
    # A line on a process's standard error carries the time of the host it stands on.
    "pgqueue/telemetry/log_lines.py": ["time.strftime", "time.gmtime", "created"],
}

WALL = {
    *("time.time", "time.time_ns", "time.gmtime", "time.localtime", "time.ctime", "time.asctime"),
    *("time.strftime", "time.clock_gettime", "time.clock_gettime_ns"),
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
}
LASTING = {"monotonic", "monotonic_ns", "perf_counter", "process_time", "thread_time", "sleep"}

# `now()` stands still in a transaction: a lease that is renewed late in one would end too early.
FROZEN = re.compile(
    r"\b(now\s*\(\)|current_(timestamp|date|time)\b|local(timestamp|time)\b"
    r"|(transaction|statement)_timestamp\b)",
    re.IGNORECASE,
)


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_code_asks_no_wall_clock(path: Path) -> None:
    allowed = ALLOWED.get(str(path.relative_to(ROOT)), [])

    assert sorted(allowed) == sorted(_asked(path.read_text()))


@pytest.mark.parametrize("path", [*CODE, *SQL], ids=lambda path: str(path.relative_to(ROOT)))
def test_sql_asks_the_clock_and_not_the_transaction(path: Path) -> None:
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
def test_a_planted_look_at_the_wall_clock_is_seen(text: str) -> None:
    assert [] != list(_asked(text))


def _asked(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (f"time.{each.name}" for each in node.names if each.name not in LASTING)
        elif isinstance(node, ast.Attribute):
            dotted = ".".join(ast.unparse(node).rsplit(".", 2)[-2:])
            if dotted in WALL or node.attr == "created":
                yield "created" if node.attr == "created" else dotted
