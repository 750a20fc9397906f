"""`python -m benchmarks`: measure, print a table, write JSON and charts on request."""

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console

from benchmarks import report
from benchmarks.campaign import Campaign, chosen
from benchmarks.figures import figures
from benchmarks.place import opened
from benchmarks.size import JOBS, STEP, Size

# In a file too, where nobody can widen the window.
_WIDTH_MIN = 130


def main() -> int:
    """Measure what was asked for; 1 when something could not be measured."""
    asked = _arguments()
    size, campaign = Size(asked.jobs), Campaign()
    wanted = chosen(figures(size), asked.only)
    if asked.charts:
        # Before minutes are spent: it needs the extra `bench`.
        from benchmarks.charts import draw
    with opened() as place:
        machine = place.about()
        campaign.measure(wanted, place, asked.rounds)
        if asked.charts:
            campaign.trace({figure.name for figure in wanted}, place, size)
    console = Console()
    console.width = max(console.width, _WIDTH_MIN)
    console.print(f"{machine}; medians of {asked.rounds} rounds, {asked.jobs:,} jobs")
    console.print(report.table(campaign.done))
    for name, reason in campaign.failed.items():
        console.print(f"{name} was not measured: {reason}", markup=False)
    if asked.json:
        told = {"machine": machine, "rounds": asked.rounds, "jobs": asked.jobs}
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        asked.json.write_text(json.dumps({**told, **report.plain(campaign)}, indent=2) + "\n")
    if asked.charts:
        draw(asked.charts, campaign.curves, campaign.samples("P7", "p50"))
    return 1 if campaign.failed else 0


def _jobs(text: str) -> int:
    jobs = int(text)
    if jobs < STEP or jobs % STEP:
        raise argparse.ArgumentTypeError(f"it takes a multiple of {STEP}.")
    return jobs


def _arguments() -> argparse.Namespace:
    names = list(dict.fromkeys(figure.name for figure in figures(Size())))
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure pgqueue.")
    parser.add_argument("--rounds", type=int, default=3, help="of each (%(default)s)")
    parser.add_argument(
        "--jobs", type=_jobs, default=JOBS, help="of one drain (%(default)s); all else follows"
    )
    parser.add_argument(
        "--only", nargs="+", metavar="P", choices=names, help=f"goals: {', '.join(names)}"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the same as JSON")
    parser.add_argument("--charts", type=Path, metavar="DIR", help="draw their curves")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
