"""A figure: the ratio of two rates that are measured in turns, so that noise meets both."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.place import Place

Rate = Callable[[Place], float]


@dataclass(frozen=True, slots=True)
class Figure:
    """What is measured against what.

    Args:
        name: Of the goal, P1 to P14.
        ours: Measures the one rate, a second.
        against: Measures the other.
        goal: The least ratio that is wanted.
    """

    name: str
    title: str
    ours: Rate
    against: Rate
    goal: float


@dataclass(frozen=True, slots=True)
class Measured:
    """The rates of one figure, round by round."""

    figure: Figure
    ours: Sequence[float]
    against: Sequence[float]

    @property
    def ratio(self) -> float:
        """Of the medians."""
        return statistics.median(self.ours) / statistics.median(self.against)

    @property
    def ratios(self) -> list[float]:
        """Of each round, least first."""
        return sorted(one / other for one, other in zip(self.ours, self.against, strict=True))


def measure(figure: Figure, place: Place, rounds: int) -> Measured:
    """Take turns, so many rounds."""
    pairs = [(figure.ours(place), figure.against(place)) for _ in range(rounds)]
    return Measured(figure, [one for one, _ in pairs], [other for _, other in pairs])
