"""A clock that a test moves."""

from pgqueue.core.clock import Clock


class ManualClock(Clock):
    """Stands still until the test advances it.

    Args:
        now: Seconds that it shows at first.
    """

    def __init__(self, now: float = 1_000.0) -> None:
        self._now = now

    def monotonic(self) -> float:
        """The time that the test has set."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self._now += seconds
