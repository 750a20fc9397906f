"""A report: the figures, as a table for people and as JSON for programs."""

from collections.abc import Sequence
from dataclasses import asdict

from rich.table import Table

from benchmarks.campaign import Campaign
from benchmarks.figure import Measured


def table(done: Sequence[Measured]) -> Table:
    """A table with one row for each line of the figures."""
    result = Table("goal", "figure", "measured", "least to most", "ours / other", "wanted", "")
    for measured in done:
        goal = "" if measured.line.goal is None else str(measured.line.goal)
        result.add_row(
            measured.name,
            measured.line.title,
            f"{number(measured.value)} {measured.line.unit}".rstrip(),
            f"{number(measured.values[0])} to {number(measured.values[-1])}",
            " / ".join(number(part) for part in measured.parts),
            goal,
            f"[bold]{measured.result}[/]" if measured.result == "missed" else measured.result,
        )
    return result


def plain(campaign: Campaign) -> dict[str, object]:
    """The campaign as JSON values, without the samples."""
    return {
        "figures": rows(campaign.done),
        "curves": {
            name: [asdict(line) for line in lines] for name, lines in campaign.curves.items()
        },
        "failed": campaign.failed,
    }


def rows(done: Sequence[Measured]) -> list[dict[str, object]]:
    """One entry for each line, with the value of each round."""
    return [
        {
            "name": measured.name,
            "title": measured.line.title,
            "unit": measured.line.unit,
            "value": measured.value,
            "rounds": [measurement.value for measurement in measured.measurements],
            "parts": [list(measurement.parts) for measurement in measured.measurements],
            "goal": None if measured.line.goal is None else str(measured.line.goal),
            "result": measured.result,
        }
        for measured in done
    ]


def number(value: float) -> str:
    """A number with three significant digits."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
