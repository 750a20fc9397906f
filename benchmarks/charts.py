"""Charts of the measurements, as SVG; the one file that needs matplotlib.

Equal numbers give equal bytes: a chart has no date, no random id and no name of a machine.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.curve import Curve

_STYLE: Any = {
    "svg.hashsalt": "pgqueue",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
}
_NOTHING = {"Date": None, "Creator": None}
_INCHES = (5.6, 3.0)


def draw(folder: Path, curves: Mapping[str, Sequence[Curve]], delays: Sequence[float]) -> None:
    """Write a file for each chart that has measurements.

    Args:
        curves: By the name of the chart; see `curve.ALL`.
        delays: Milliseconds from commit to start, of an idle worker.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(_STYLE):
        if lines := curves.get("held-snapshot"):
            _under_snapshot(folder / "held-snapshot.svg", lines)
        if lines := curves.get("batch-size"):
            _by_size(folder / "batch-size.svg", lines, "jobs in a statement")
        if lines := curves.get("backlog"):
            _by_size(folder / "backlog.svg", lines, "queued jobs at the start")
        if delays:
            _distribution(folder / "delay.svg", delays)


def _under_snapshot(file: Path, lines: Sequence[Curve]) -> None:
    figure, axes = _axes("seconds under an open snapshot", "jobs a second")
    for line in lines:
        axes.plot(line.xs, line.ys, label=line.name)
    axes.set_xlim(left=0)
    _finish(file, figure, axes)


def _by_size(file: Path, lines: Sequence[Curve], label: str) -> None:
    figure, axes = _axes(label, "jobs a second")
    for line in lines:
        axes.plot(line.xs, line.ys, marker="o", label=line.name)
    axes.set_xscale("log")
    axes.set_xticks(lines[0].xs, [f"{x:,.0f}" for x in lines[0].xs])
    axes.minorticks_off()
    _finish(file, figure, axes)


def _distribution(file: Path, delays: Sequence[float]) -> None:
    figure, axes = _axes("milliseconds from commit to start, worker idle", "share of the jobs")
    ordered = sorted(delays)
    axes.plot(ordered, [(n + 1) / len(ordered) for n in range(len(ordered))], label="pgqueue")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    _finish(file, figure, axes)


def _axes(x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=_INCHES, layout="constrained")
    axes = figure.add_subplot(xlabel=x, ylabel=y)
    axes.yaxis.set_major_formatter("{x:,g}")
    return figure, axes


def _finish(file: Path, figure: Figure, axes: Axes) -> None:
    axes.set_ylim(0, 1.1 * axes.dataLim.y1)
    axes.legend(frameon=False)
    figure.savefig(file, format="svg", metadata=_NOTHING)
