"""A duration as users write it, seconds or a timedelta, turned into checked seconds.

The bounds of durations stand here alone; the columns of the tables have these bounds.
"""

from datetime import timedelta
from math import isfinite
from typing import Final

from pgqueue.core.errors import InvalidOption

Duration = float | timedelta
"""Seconds, or a timedelta."""

YEAR_SECONDS: Final = 366 * 86_400.0
CENTURY_SECONDS: Final = 100 * YEAR_SECONDS


def seconds(
    option: str, value: object, *, maximum: float = CENTURY_SECONDS, zero: bool = True
) -> float:
    """Return the seconds of a duration.

    Args:
        option: The name of the option in the error.
        maximum: In seconds.
        zero: Whether zero is allowed.

    Raises:
        InvalidOption: The value is no duration, or out of bounds.
    """
    if isinstance(value, timedelta):
        amount = value.total_seconds()
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        amount = float(value) if abs(value) <= CENTURY_SECONDS else CENTURY_SECONDS + 1
    else:
        raise InvalidOption(option, value, "it takes seconds or a timedelta.")
    if not isfinite(amount) or amount > maximum or amount < 0 or (amount == 0 and not zero):
        least = "0" if zero else "more than 0"
        raise InvalidOption(option, value, f"it takes {least} to {maximum:,.0f} seconds.")
    return amount
