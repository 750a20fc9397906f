"""A measurement: the value of one line of the table in one round."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value with its parts or samples.

    Args:
        parts: The two values of a ratio, ours first.
        samples: The samples of a percentile.

    Raises:
        ValueError: The value is no finite number, so the round was invalid.
    """

    value: float
    parts: tuple[float, ...] = ()
    samples: Sequence[float] = ()

    def __post_init__(self) -> None:
        if not isfinite(self.value):
            raise ValueError(f"{self.value} was measured, which is no number.")


def ratio(ours: float, against: float) -> Measurement:
    """Our value divided by the other one."""
    if ours <= 0 or against <= 0:
        raise ValueError(f"{ours:g} against {against:g} makes no ratio.")
    return Measurement(ours / against, parts=(ours, against))


def percentile(samples: Sequence[float], percent: float) -> float:
    """The least sample that *percent* of all samples do not exceed.

    Raises:
        ValueError: There are no samples.
    """
    if not samples:
        raise ValueError("There are no samples.")
    return sorted(samples)[ceil(len(samples) * percent / 100) - 1]
