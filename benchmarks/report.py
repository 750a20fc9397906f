"""A report: what was measured, as a table for people and as JSON for programs."""

from collections.abc import Sequence
from dataclasses import asdict

from rich.table import Table

from benchmarks.campaign import Campaign
from benchmarks.figure import Measured


def table(done: Sequence[Measured]) -> Table:
    """One row a line, as it stands in `figures`."""
    made = Table("goal", "what", "measured", "least to most", "ours / other", "wanted", "")
    for each in done:
        goal = "" if each.line.goal is None else str(each.line.goal)
        made.add_row(
            each.name,
            each.line.title,
            f"{number(each.value)} {each.line.unit}".rstrip(),
            f"{number(each.values[0])} to {number(each.values[-1])}",
            " / ".join(number(part) for part in each.parts),
            goal,
            f"[bold]{each.verdict}[/]" if each.verdict == "missed" else each.verdict,
        )
    return made


def plain(campaign: Campaign) -> dict[str, object]:
    """What JSON can hold; samples are left out."""
    return {
        "figures": rows(campaign.done),
        "curves": {
            name: [asdict(each) for each in lines] for name, lines in campaign.curves.items()
        },
        "failed": campaign.failed,
    }


def rows(done: Sequence[Measured]) -> list[dict[str, object]]:
    """One entry a line, round by round."""
    return [
        {
            "name": each.name,
            "title": each.line.title,
            "unit": each.line.unit,
            "value": each.value,
            "rounds": [reading.value for reading in each.readings],
            "parts": [list(reading.parts) for reading in each.readings],
            "goal": None if each.line.goal is None else str(each.line.goal),
            "verdict": each.verdict,
        }
        for each in done
    ]


def number(value: float) -> str:
    """Three digits that count, and no more."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
