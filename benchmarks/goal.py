"""A goal: the bound that a measured value must keep."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound, and whether it is the least or the greatest good value."""

    bound: float
    is_least: bool

    def is_reached_by(self, value: float) -> bool:
        """Whether the value keeps the bound; the bound itself is good."""
        return value >= self.bound if self.is_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'>=' if self.is_least else '<='} {self.bound:,g}"


def at_least(bound: float) -> Goal:
    """A goal for a value that is better when it is greater."""
    return Goal(bound, is_least=True)


def at_most(bound: float) -> Goal:
    """A goal for a value that is better when it is less."""
    return Goal(bound, is_least=False)
