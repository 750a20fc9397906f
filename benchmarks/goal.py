"""A goal: the bound that a measured value must keep."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound, and on which side of it one wants to be."""

    bound: float
    is_least: bool

    def is_reached_by(self, value: float) -> bool:
        """Whether the value keeps the bound; the bound itself does."""
        return value >= self.bound if self.is_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'>=' if self.is_least else '<='} {self.bound:,g}"


def at_least(bound: float) -> Goal:
    """More is better."""
    return Goal(bound, is_least=True)


def at_most(bound: float) -> Goal:
    """Less is better."""
    return Goal(bound, is_least=False)
