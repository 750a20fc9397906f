"""A campaign: all figures and curves on one server, and what could not be measured of them."""

import sys
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from benchmarks import curve
from benchmarks.curve import Curve
from benchmarks.figure import Figure, Measured, measure
from benchmarks.place import Place
from benchmarks.size import Size

T = TypeVar("T")


@dataclass(slots=True)
class Campaign:
    """What came of it.

    Attributes:
        failed: Why a figure or a curve is not there, by its name: a run that was not valid, or an
            error. The others are measured all the same.
    """

    done: list[Measured] = field(default_factory=list)
    curves: dict[str, Sequence[Curve]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def measure(self, figures: Iterable[Figure], place: Place, rounds: int) -> None:
        """Measure the figures, one after the other."""
        for figure in figures:
            name = f"{figure.name}, {figure.lines[0].title}"
            self.done += self._try(name, partial(measure, figure, place, rounds)) or []

    def trace(self, goals: Collection[str], place: Place, size: Size) -> None:
        """Trace every curve of these goals once."""
        for name, (goal, take) in curve.ALL.items():
            if goal in goals:
                self.curves[name] = self._try(name, partial(take, place, size)) or []

    def samples(self, name: str, key: str) -> list[float]:
        """What the percentiles of a figure were taken from, in all rounds."""
        return [
            sample
            for each in self.done
            if (each.name, each.line.key) == (name, key)
            for reading in each.readings
            for sample in reading.samples
        ]

    def _try(self, name: str, take: Callable[[], T]) -> T | None:
        began_at = time.monotonic()
        try:
            taken = take()
        except Exception as error:
            self.failed[name] = f"{type(error).__name__}: {error}"
            print(f"{name} FAILED: {self.failed[name]}", file=sys.stderr, flush=True)
            return None
        seconds = time.monotonic() - began_at
        print(f"{name} took {seconds:.0f} s", file=sys.stderr, flush=True)
        return taken


def chosen(figures: Iterable[Figure], names: Sequence[str] | None) -> list[Figure]:
    """The figures of those names; all without names."""
    return [figure for figure in figures if names is None or figure.name in names]
