"""A figure: the measurement of one goal, in rounds."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.goal import Goal
from benchmarks.measurement import Measurement, ratio
from benchmarks.server import Server

Rate = Callable[[Server], float]
Take = Callable[[Server], Mapping[str, Measurement]]


@dataclass(frozen=True, slots=True)
class Line:
    """One value of a figure.

    Args:
        key: The name of its measurement in the result of a round.
        goal: None for a value that is published without a bound.
    """

    key: str
    title: str
    unit: str
    goal: Goal | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """Lines that are measured together.

    Args:
        name: The code of the goal; `figures.GOALS` has its title.
        take: Makes one round; returns a measurement for each line.
    """

    name: str
    take: Take
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Measured:
    """One line with its measurement of each round."""

    name: str
    line: Line
    measurements: Sequence[Measurement]

    @property
    def value(self) -> float:
        """The median of the rounds; a ratio is taken in each round first."""
        return statistics.median(self.values)

    @property
    def values(self) -> list[float]:
        """The values of all rounds, least first."""
        return sorted(measurement.value for measurement in self.measurements)

    @property
    def parts(self) -> list[float]:
        """The medians of both parts of a ratio; empty for any other value."""
        rounds = zip(*(measurement.parts for measurement in self.measurements), strict=True)
        return [statistics.median(values) for values in rounds]

    @property
    def result(self) -> str:
        """Whether the goal was reached."""
        if self.line.goal is None:
            return "published"
        return "reached" if self.line.goal.is_reached_by(self.value) else "missed"


def measure(figure: Figure, server: Server, rounds: int) -> list[Measured]:
    """Make *rounds* rounds of a figure; the measured lines."""
    try:
        results = [figure.take(server) for _ in range(rounds)]
    finally:
        server.drop_kept()
    return [
        Measured(figure.name, line, [result[line.key] for result in results])
        for line in figure.lines
    ]


def side_by_side(ours: Rate, against: Rate) -> Take:
    """Rounds that measure both rates one after the other, so that noise hits both."""
    return lambda server: {"ratio": ratio(ours(server), against(server))}
