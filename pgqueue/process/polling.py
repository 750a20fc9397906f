"""When a supervisor looks for ready jobs next: at a notification, or, in a rush, without any.

NOTIFY makes all commits that use it wait for one lock of the whole cluster, so a rush of producers
must not notify. When notifications come thick their supervisor says that it wants none, looks by
itself every few milliseconds, and says after a while that it wants them again. The while grows as
long as the rush goes on.

Who found something looks again soon: whether those that were woken have taken it all. Pure but
for the clock.
"""

import random
import time
from math import inf

# Between two looks; one look serves all that was committed within this time.
_LOOK_SECONDS_MIN = 0.01

# So many notifications in a row that were hardly waited for are a rush, on slow machines too.
_RUSH = 6
_PROMPT_SECONDS = 0.01

_HUSH_SECONDS = 5.0
_HUSH_SECONDS_MAX = 30.0

# Supervisors that hear the same notification look one after the other, and most of them find
# what it told of taken.
_SPREAD_SECONDS = 0.001

# A look that takes the server longer is taken for a twentieth of the time at most: entries of jobs
# that were taken lie in front, and somebody keeps them there. Shorter ones leave room for others.
_LONG_LOOK_SECONDS = 0.05
_LONG_LOOK_SHARE = 1 / 20
_LOOK_SHARE = 1 / 5

# After so many looks in a row that found something, all workers were woken for it.
_DOUBLINGS_MAX = 10


class Polling:
    """The pauses between the looks of one supervisor.

    Args:
        poll_seconds: The longest pause.
        rest_seconds_max: The longest rest after a look that took long.

    Attributes:
        watchers: How many supervisors look, this one among them.
        is_slow: Whether the last look took the server long.
    """

    def __init__(self, poll_seconds: float, *, rest_seconds_max: float) -> None:
        self.supervisor_count = 1
        self._poll_seconds = poll_seconds
        self._rest_seconds_max = rest_seconds_max
        self._pause = _LOOK_SECONDS_MIN
        self._found_in_row = 0
        self._prompt_in_row = 0
        self._woken_at = -inf
        self._hush_seconds = _HUSH_SECONDS
        self._hush_until = 0.0
        self._rest_until = 0.0
        self.is_slow = False

    @property
    def may_look(self) -> bool:
        """Whether it is time for a look; not soon after one that took the server long."""
        return time.monotonic() >= self._rest_until

    @property
    def wants_notify(self) -> bool:
        """Whether producers are to notify; not in a rush."""
        return time.monotonic() >= self._hush_until

    @property
    def wakes(self) -> int:
        """How many workers are to be woken for what the last look found.

        One at first. As long as looks find something, those before were not enough, until all
        were asked: then it may be something that none of them can claim.
        """
        doublings = self._found_in_row - 1
        return 2**doublings if 0 < doublings <= _DOUBLINGS_MAX else 1

    def restart(self) -> None:
        """Look soon, and soon again: what was committed meanwhile may have told nobody."""
        self._pause = _LOOK_SECONDS_MIN

    def woken(self, listened_seconds: float, *, is_served: bool = False) -> float:
        """A notification came; the seconds until the look that it asks for, 0 as a rule.

        Args:
            listened_seconds: For how long it was listened for, apart from looks and pauses.
            is_served: Whether somebody was woken for it already; the look then comes after him.
        """
        self._found_in_row = 0
        now = time.monotonic()
        since = now - self._woken_at
        self._prompt_in_row = self._prompt_in_row + 1 if listened_seconds < _PROMPT_SECONDS else 0
        if self._prompt_in_row >= _RUSH:
            self._hush(now)
        spread = random.uniform(0.0, _SPREAD_SECONDS * (self.supervisor_count - 1))
        pause = max(spread, _LOOK_SECONDS_MIN - since, _LOOK_SECONDS_MIN if is_served else 0.0)
        self._woken_at = now + pause
        return pause

    def looked(self, *, found: bool, seconds: float) -> None:
        """A look found something or not, and took the server so long."""
        self._found_in_row = self._found_in_row + 1 if found else 0
        longest = (
            self._poll_seconds if self.wants_notify else _LOOK_SECONDS_MIN * self.supervisor_count
        )
        pause = _LOOK_SECONDS_MIN if self._found_in_row == 1 else 2.0 * self._pause
        self._pause = max(seconds / _LOOK_SHARE, min(pause, longest))
        self.is_slow = seconds > _LONG_LOOK_SECONDS
        if self.is_slow:
            rest = min(self._rest_seconds_max, seconds / _LONG_LOOK_SHARE)
            self._pause = min(rest, self._poll_seconds)
            self._rest_until = time.monotonic() + rest

    @property
    def pause(self) -> float:
        """Seconds until the next look, if nobody notifies."""
        return self._pause * random.uniform(0.9, 1.0)

    def _hush(self, now: float) -> None:
        # The rush went on if it is back as soon as notifications were wanted again.
        goes_on = now - self._hush_until < self._hush_seconds
        longer = min(_HUSH_SECONDS_MAX, 2.0 * self._hush_seconds)
        self._hush_seconds = longer if goes_on else _HUSH_SECONDS
        self._hush_until = now + self._hush_seconds
        self._prompt_in_row = 0
        self.restart()
