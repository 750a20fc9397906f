"""A figure: what one of the goals asks for, measured in rounds."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.goal import Goal
from benchmarks.place import Place
from benchmarks.reading import Reading, ratio

Rate = Callable[[Place], float]
Take = Callable[[Place], Mapping[str, Reading]]


@dataclass(frozen=True, slots=True)
class Line:
    """What a figure says about one thing.

    Args:
        key: Of its reading, in what a round answers.
        goal: None where the value is published, and no bound was set.
    """

    key: str
    title: str
    unit: str
    goal: Goal | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """What is measured together.

    Args:
        name: Of the goal, P1 to P14, or `keep=0`.
        take: One round; answers with a reading for each line.
    """

    name: str
    take: Take
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Measured:
    """One line with its readings, round by round."""

    name: str
    line: Line
    readings: Sequence[Reading]

    @property
    def value(self) -> float:
        """The median of the rounds; of a ratio, the median of each round's ratio."""
        return statistics.median(self.values)

    @property
    def values(self) -> list[float]:
        """Of each round, least first."""
        return sorted(reading.value for reading in self.readings)

    @property
    def parts(self) -> list[float]:
        """Of a ratio: the medians of our value and of the other one; nothing otherwise."""
        rounds = zip(*(reading.parts for reading in self.readings), strict=True)
        return [statistics.median(values) for values in rounds]

    @property
    def verdict(self) -> str:
        """Whether the goal was reached."""
        if self.line.goal is None:
            return "published"
        return "reached" if self.line.goal.is_reached_by(self.value) else "missed"


def measure(figure: Figure, place: Place, rounds: int) -> list[Measured]:
    """Take so many rounds."""
    try:
        taken = [figure.take(place) for _ in range(rounds)]
    finally:
        place.forget()
    return [
        Measured(figure.name, line, [round_[line.key] for round_ in taken]) for line in figure.lines
    ]


def side_by_side(ours: Rate, against: Rate) -> Take:
    """Rounds of both in turns, so that the machine's noise meets both."""
    return lambda place: {"ratio": ratio(ours(place), against(place))}
