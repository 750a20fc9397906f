"""A campaign: all figures on one server, and what could not be measured of them."""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from benchmarks.figure import Figure, Measured, measure
from benchmarks.place import Place

T = TypeVar("T")


@dataclass(slots=True)
class Campaign:
    """What came of it.

    Attributes:
        failed: Why a figure is not there, by its name: a run that was not valid, or an
            error. The others are measured all the same.
    """

    done: list[Measured] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def measure(self, figures: Iterable[Figure], place: Place, rounds: int) -> None:
        """Measure the figures, one after the other."""
        for figure in figures:
            self.done += self._try(figure.name, partial(measure, figure, place, rounds)) or []

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
    """The figures of those names; all without names.

    Raises:
        ValueError: There is none of one of the names.
    """
    found = list(figures)
    if names is None:
        return found
    if unknown := set(names) - {figure.name for figure in found}:
        raise ValueError(f"There is no figure {', '.join(sorted(unknown))}.")
    return [figure for figure in found if figure.name in names]
