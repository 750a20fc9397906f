"""A campaign: all figures and curves of one run on one server, and the errors of the run."""

import sys
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from benchmarks import curve
from benchmarks.curve import Curve
from benchmarks.figure import Figure, Measured, measure
from benchmarks.server import Server
from benchmarks.size import Size

T = TypeVar("T")


@dataclass(slots=True)
class Campaign:
    """The results of a run.

    Attributes:
        failed: The reason by the name of each figure or curve that is missing: an invalid run or
            an error. One failure does not stop the others.
    """

    done: list[Measured] = field(default_factory=list)
    curves: dict[str, Sequence[Curve]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def measure(self, figures: Iterable[Figure], server: Server, rounds: int) -> None:
        """Measure the figures, one after the other."""
        for figure in figures:
            name = f"{figure.name}, {figure.lines[0].title}"
            self.done += self._try(name, partial(measure, figure, server, rounds)) or []

    def trace(self, goals: Collection[str], server: Server, size: Size) -> None:
        """Trace every curve of these goals once."""
        for name, (goal, take) in curve.ALL.items():
            if goal in goals:
                self.curves[name] = self._try(name, partial(take, server, size)) or []

    def samples(self, name: str, key: str) -> list[float]:
        """The samples behind the percentiles of a figure, in all rounds."""
        return [
            sample
            for measured in self.done
            if (measured.name, measured.line.key) == (name, key)
            for measurement in measured.measurements
            for sample in measurement.samples
        ]

    def _try(self, name: str, take: Callable[[], T]) -> T | None:
        began_at = time.monotonic()
        try:
            outcome = take()
        except Exception as error:
            self.failed[name] = f"{type(error).__name__}: {error}"
            print(f"{name} FAILED: {self.failed[name]}", file=sys.stderr, flush=True)
            return None
        seconds = time.monotonic() - began_at
        print(f"{name} took {seconds:.0f} s", file=sys.stderr, flush=True)
        return outcome


def select(figures: Iterable[Figure], names: Sequence[str] | None) -> list[Figure]:
    """The figures with these names; all figures when *names* is None."""
    return [figure for figure in figures if names is None or figure.name in names]
