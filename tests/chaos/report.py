"""The report of a run, as text and as JSON."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from chaos import invariants
from chaos.run import SETTINGS, Outcome

_ROWS_MAX = 5


def header(seed: int, seconds: float) -> str:
    """The values that repeat this run."""
    settings = ", ".join(f"{name}={value}" for name, value in SETTINGS.items())
    return "\n".join(
        [
            f"seed {seed}, {seconds:g} s of faults, commit {_commit()}",
            f"settings (short leases, so that many expire): {settings}",
            f"Python {platform.python_version()}, {os.cpu_count()} cores",
        ]
    )


def text(outcome: Outcome) -> str:
    """The report for a person."""
    return "\n".join(_lines(outcome))


def write_json(outcome: Outcome, path: Path) -> None:
    """Write the report as JSON."""
    values = {
        "seed": outcome.seed,
        "seconds": outcome.seconds,
        "commit": _commit(),
        "settings": SETTINGS,
        "server": outcome.server,
        "is_clean": outcome.is_clean,
        "disk": outcome.disk,
        "plan": [str(step) for step in outcome.plan],
        "quiet_seconds": round(outcome.quiet_seconds, 1),
        "checks": outcome.checks,
        "backlog_max": outcome.backlog_max,
        "early_ends": outcome.early_ends,
        "skipped": outcome.skipped,
        "violations": {
            invariant.name: len(outcome.broken.get(invariant.name, ())) for invariant in _all()
        },
        "broken": outcome.broken,
        "stuck": outcome.stuck,
        "problems": outcome.problems,
        "figures": outcome.figures,
        "timelines": outcome.timelines,
    }
    path.write_text(json.dumps(values, indent=2, default=str) + "\n")


def _lines(outcome: Outcome) -> Iterator[str]:
    yield f"PostgreSQL {outcome.server}"
    if not outcome.disk:
        yield "No full disk: the small file system could not be mounted on this machine."
    yield ""
    for name, rows in outcome.figures.items():
        yield name.replace("_", " ")
        yield from _table(rows)
        yield ""
    yield from _skips(outcome.skipped)
    yield f"supervisors that ended by themselves (no database at their start): {outcome.early_ends}"
    yield f"largest backlog: {outcome.backlog_max} jobs, in {outcome.checks} checks"
    yield f"quiet after {outcome.quiet_seconds:.1f} s"
    yield ""
    yield "violations"
    for invariant in _all():
        rows = outcome.broken.get(invariant.name, [])
        yield f"  {len(rows):5}  {invariant.name}  {invariant.title}"
        yield from (f"         {row}" for row in rows[:_ROWS_MAX])
    yield f"  {len(outcome.stuck):5}  stuck  Every job becomes final when all faults are healed"
    yield from (f"         {row}" for row in outcome.stuck[:_ROWS_MAX])
    yield f"  {len(outcome.problems):5}  problems  Supervisors end in time, with a good exit code"
    yield from (f"         {problem}" for problem in outcome.problems[:_ROWS_MAX])
    yield from ("\n" + timeline for timeline in outcome.timelines)
    yield ""
    yield "CLEAN" if outcome.is_clean else "BROKEN"


def _skips(skipped: Mapping[str, int]) -> Iterator[str]:
    if skipped:
        yield "faults that could not be injected"
        yield from (f"  {count:5}  {reason}" for reason, count in sorted(skipped.items()))
        yield ""


def _table(rows: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    if not rows:
        return ["  none"]
    names = list(rows[0])
    cells = [names, *([_cell(row[name]) for name in names] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  " + _line(line, widths) for line in cells]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join([cells[0].ljust(widths[0]), *rest]) if rest else first


def _cell(value: object) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _all() -> Sequence[invariants.Invariant]:
    return invariants.load()


def _commit() -> str:
    result = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
    )
    return result.stdout.strip() or "unknown"
