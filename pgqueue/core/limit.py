"""The number of rows that a list may have."""

from typing import Final

from pgqueue.core.errors import InvalidOption

LIMIT_MAX: Final = 100_000


def checked_limit(limit: int) -> int:
    """Return the limit, if it is within 1 to 100,000.

    Raises:
        InvalidOption: It is not.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= LIMIT_MAX:
        raise InvalidOption("limit", limit, f"it takes 1 to {LIMIT_MAX:,}.")
    return limit
