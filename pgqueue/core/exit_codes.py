"""What the exit code of a command means."""

from typing import Final

EXIT_FAILED: Final = 1
"""The work failed."""

EXIT_USAGE: Final = 2
"""Wrong usage."""

EXIT_DATABASE: Final = 3
"""The database is unreachable, or its schema does not fit."""
