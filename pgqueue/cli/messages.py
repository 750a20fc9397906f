"""Messages for a person, on standard error, so that standard output holds the answer alone."""

import sys


def print_warning(message: str) -> None:
    """Print a warning for a person on standard error."""
    print(f"pgqueue: {message}", file=sys.stderr)
