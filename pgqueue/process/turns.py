"""Whose turn it is: the work that one supervisor does for all goes round among the live ones.

Each would otherwise scan and maintain as often as if it were alone, and a database with fifty idle
supervisors would answer two hundred statements a second. Nobody leads: the supervisors share a
time, and an interval of it belongs to the one whose rank comes next. A supervisor that is killed
leaves its intervals empty until it no longer counts as live and the others renew their leases.
"""

from math import floor

from pgqueue.core.clock import MONOTONIC, Clock
from pgqueue.store.supervisors import LiveSupervisors

# A turn that comes a little early counts as the next one. So does one whose begin the last renewal
# moved.
_EARLY_SHARE = 0.1

# Among more supervisors, several share a turn.
_TURNS_MAX = 50


class Turns:
    """The turns of one supervisor.

    The registry's thread calls `update`; any thread may read.
    """

    def __init__(self, clock: Clock = MONOTONIC) -> None:
        self._clock = clock
        # Written as one: another thread may read it.
        self._seen = (LiveSupervisors(True, 0, 1, 1, 0.0), 0.0)

    def update(self, live: LiveSupervisors) -> None:
        """Take over what a renewal saw just now."""
        self._seen = live, live.shared_seconds - self._clock.monotonic()

    @property
    def is_recorded(self) -> bool:
        """Whether this supervisor had its row at its last renewal."""
        return self._seen[0].is_recorded

    @property
    def supervisors(self) -> int:
        """How many supervisors take turns."""
        return self._seen[0].supervisors

    @property
    def peers(self) -> int:
        """How many supervisors have a queue in common with this one, itself included."""
        return self._seen[0].peers

    def seconds_left(self, every_seconds: float, last_at: float) -> float:
        """Seconds until this supervisor's next turn at what one of all does in each interval.

        Args:
            every_seconds: The interval.
            last_at: The monotonic time at which its last turn began.
        """
        live, offset = self._seen
        if live.supervisors == 1:
            return max(0.0, last_at + every_seconds - self._clock.monotonic())
        last_interval = floor((last_at + offset) / every_seconds + _EARLY_SHARE)
        turns = min(live.supervisors, _TURNS_MAX)
        wait = (live.rank - last_interval) % turns or turns
        begins_at = (last_interval + wait) * every_seconds - offset
        return max(0.0, begins_at - self._clock.monotonic())
