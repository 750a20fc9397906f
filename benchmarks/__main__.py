"""`python -m benchmarks`: measure, print a table, and write JSON on request."""

import argparse
import json
import os
import platform
import tempfile
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks.figure import Measured, measure
from benchmarks.figures import figures
from benchmarks.place import Place


def main() -> None:
    """Measure what was asked for."""
    asked = _arguments()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="pgqueue-bench-", dir="/tmp") as folder:
        # The server runs as a user of its own where we are root.
        Path(folder).chmod(0o755)
        place = Place(Path(folder))
        try:
            with psycopg.connect(place.url) as connection:
                version = connection.info.parameter_status("server_version")
            done = [
                measure(figure, place, asked.rounds)
                for figure in figures(asked.jobs)
                if not asked.only or figure.name in asked.only
            ]
        finally:
            place.close()
    machine = f"PostgreSQL {version}, Python {platform.python_version()}, {os.cpu_count()} cores"
    console.print(f"{machine}; medians of {asked.rounds} rounds, {asked.jobs:,} jobs")
    console.print(_table(done))
    if asked.json:
        asked.json.write_text(json.dumps({"machine": machine, "figures": _plain(done)}, indent=2))


def _table(done: list[Measured]) -> Table:
    table = Table("figure", "what", "ours", "against", "ratio", "least to most", "goal")
    for each in done:
        ours, against = (sorted(rates)[len(rates) // 2] for rates in (each.ours, each.against))
        table.add_row(
            each.figure.name,
            each.figure.title,
            f"{ours:,.0f}/s",
            f"{against:,.0f}/s",
            f"{each.ratio:.2f}",
            f"{each.ratios[0]:.2f} to {each.ratios[-1]:.2f}",
            f">= {each.figure.goal:g}",
        )
    return table


def _plain(done: list[Measured]) -> list[dict[str, object]]:
    return [
        {
            "name": each.figure.name,
            "title": each.figure.title,
            "ours": list(each.ours),
            "against": list(each.against),
            "ratio": each.ratio,
            "goal": each.figure.goal,
        }
        for each in done
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure pgqueue.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=60_000, help="of one drain")
    parser.add_argument("--only", nargs="*", help="names of figures, such as P1")
    parser.add_argument("--json", type=Path, help="where to write the same as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
