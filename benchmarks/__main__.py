"""`python -m benchmarks`: measure, print a table, write JSON and charts on request."""

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console

from benchmarks import report
from benchmarks.campaign import Campaign, select
from benchmarks.figures import GOALS, figures
from benchmarks.server import open_server
from benchmarks.size import JOBS, STEP, Size

# Output in a file keeps this width, as nobody can widen its window.
_WIDTH_MIN = 130


def main() -> int:
    """Measure the figures of the command line; the exit code is 1 when one failed."""
    arguments = _arguments()
    size, campaign = Size(arguments.jobs), Campaign()
    wanted = select(figures(size), arguments.only)
    if arguments.charts:
        # The import fails without the extra `bench`: let it fail before minutes are spent.
        from benchmarks.charts import draw
    with open_server() as server:
        machine = server.about()
        campaign.measure(wanted, server, arguments.rounds)
        if arguments.charts:
            campaign.trace({figure.name for figure in wanted}, server, size)
    console = Console()
    console.width = max(console.width, _WIDTH_MIN)
    console.print(f"{machine}; medians of {arguments.rounds} rounds, {arguments.jobs:,} jobs")
    console.print(report.table(campaign.done))
    for name, reason in campaign.failed.items():
        console.print(f"{name} was not measured: {reason}", markup=False)
    if arguments.json:
        about = {"machine": machine, "rounds": arguments.rounds, "jobs": arguments.jobs}
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps({**about, **report.plain(campaign)}, indent=2) + "\n")
    if arguments.charts:
        draw(arguments.charts, campaign.curves, campaign.samples("P7", "p50"))
    return 1 if campaign.failed else 0


def _jobs(text: str) -> int:
    jobs = int(text)
    if jobs < STEP or jobs % STEP:
        raise argparse.ArgumentTypeError(f"{jobs} is not a multiple of {STEP}.")
    return jobs


def _arguments() -> argparse.Namespace:
    names = list(dict.fromkeys(figure.name for figure in figures(Size())))
    parser = argparse.ArgumentParser(
        prog="benchmarks",
        description="Measure pgqueue.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="goals:\n" + "\n".join(f"  {name:<8}{GOALS[name]}" for name in names),
    )
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each figure (%(default)s)")
    parser.add_argument(
        "--jobs",
        type=_jobs,
        default=JOBS,
        help="jobs of one drain (%(default)s); the other sizes follow from it",
    )
    parser.add_argument(
        "--only", nargs="+", metavar="P", choices=names, help="measure these goals only"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    parser.add_argument("--charts", type=Path, metavar="DIR", help="draw the curves of the goals")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
