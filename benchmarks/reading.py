"""A reading: what one round says about one line of the table."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite


@dataclass(frozen=True, slots=True)
class Reading:
    """One value, and what it was made from.

    Args:
        parts: Of a ratio: our value and the other one.
        samples: What a percentile was taken from.

    Raises:
        ValueError: It is no number, so the round was not valid.
    """

    value: float
    parts: tuple[float, ...] = ()
    samples: Sequence[float] = ()

    def __post_init__(self) -> None:
        if not isfinite(self.value):
            raise ValueError(f"{self.value} was measured, which is no number.")


def ratio(ours: float, against: float) -> Reading:
    """How our value compares with the other one."""
    if ours <= 0 or against <= 0:
        raise ValueError(f"{ours:g} against {against:g} says nothing.")
    return Reading(ours / against, parts=(ours, against))


def percentile(samples: Sequence[float], percent: float) -> float:
    """The least sample that so many percent of all do not exceed.

    Raises:
        ValueError: There are no samples.
    """
    if not samples:
        raise ValueError("There are no samples.")
    return sorted(samples)[ceil(len(samples) * percent / 100) - 1]
