"""The value of an option that was not passed, where None is a value."""

from enum import Enum
from typing import Final


class Unset(Enum):
    """The type of UNSET, for type checkers to narrow."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET
"""The value of an option that was not passed."""
