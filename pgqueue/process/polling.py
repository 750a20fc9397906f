"""When a supervisor scans for ready jobs: at a notification, in its turn, or in a storm by itself.

Supervisors take turns to poll for all, each *poll_seconds*: see `Turns`.

NOTIFY makes all commits that use it wait for one lock of the whole cluster, so that many producers
at once must not notify. When notifications come thick, their supervisor suppresses them, scans by
itself every few milliseconds, and wants them again after a while. The while grows as long as the
storm lasts.

After a scan finds work, the next scan comes soon, to see whether the woken workers took all of it.
Pure but for the clock.
"""

import random
from math import inf

from pgqueue.core.clock import MONOTONIC, Clock, Stopwatch, Timer
from pgqueue.process.turns import Turns

# Between two scans; one scan serves all commits within this time.
_SCAN_SECONDS_MIN = 0.01

# So many notifications in a row that came almost at once are a storm, on slow machines too. Of
# several supervisors each gets its share of them.
_STORM = 6
_PROMPT_SECONDS = 0.01

_SUPPRESS_SECONDS = 5.0
_SUPPRESS_SECONDS_MAX = 30.0

# Index entries of jobs that were claimed stay in front while an old snapshot is open. A scan that
# reads many of them takes a twentieth of the time at most; a shorter one leaves time to others.
_LONG_SCAN_SECONDS = 0.05
_LONG_SCAN_SHARE = 1 / 20
_SCAN_SHARE = 1 / 5

# After so many scans in a row that found something, all workers were woken for it.
_DOUBLINGS_MAX = 10

# Between scans in a storm while no worker waits to be woken.
_UNAWAITED_SECONDS = 0.1

# A poll that is due within this part of *poll_seconds* comes with a scan.
_POLL_SHARE = 0.1


class Storm:
    """Finds storms of notifications, and how long to suppress them.

    Attributes:
        listened_seconds: Since the last notification, without scans and pauses.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._prompt_in_row = 0
        self._suppress_seconds = _SUPPRESS_SECONDS
        self._suppressed = Timer(clock)
        self._suppressed.expire()
        self.listened_seconds = 0.0

    @property
    def is_over(self) -> bool:
        """Whether producers are to notify."""
        return self._suppressed.is_due

    def notified(self, peers: int) -> bool:
        """Count a notification, which *peers* supervisors share; returns whether it is a storm."""
        is_prompt = self.listened_seconds < _PROMPT_SECONDS * peers
        self._prompt_in_row = self._prompt_in_row + 1 if is_prompt else 0
        self.listened_seconds = 0.0
        return self._prompt_in_row >= _STORM

    def suppress(self) -> None:
        """Suppress notifications; longer if the storm is back as soon as they were wanted."""
        since = self._clock.monotonic() - self._suppressed.due_at
        longer = min(_SUPPRESS_SECONDS_MAX, 2.0 * self._suppress_seconds)
        is_back = since < self._suppress_seconds
        self._suppress_seconds = longer if is_back else _SUPPRESS_SECONDS
        self._suppressed.start(self._suppress_seconds)
        self._prompt_in_row = 0


class Polling:
    """The pauses between the scans of one supervisor.

    Only the dispatcher's thread writes its fields.

    Args:
        poll_seconds: Between two polls of any supervisor.
        rest_seconds_max: The longest rest after a scan that took long.

    Attributes:
        turns: Whose turn it is to poll; always this supervisor's at first.
        is_slow: Whether the last scan took the server long.
        _polled_at: The monotonic time of the last poll.
    """

    def __init__(
        self,
        poll_seconds: float,
        *,
        rest_seconds_max: float,
        clock: Clock = MONOTONIC,
    ) -> None:
        self.turns = Turns(clock)
        self.is_slow = False
        self._poll_seconds = poll_seconds
        self._clock = clock
        self._polled_at = -inf
        self._rest_seconds_max = rest_seconds_max
        self._pause = _SCAN_SECONDS_MIN
        self._found_in_row = 0
        self._storm = Storm(clock)
        self._rest = Timer(clock)
        self._next_scan = Timer(clock)
        self._scan = Stopwatch(clock)
        for timer in (self._rest, self._next_scan):
            timer.expire()

    @property
    def is_poll_due(self) -> bool:
        """Whether it is time for a poll, or almost."""
        return self.poll_in_seconds <= _POLL_SHARE * self._poll_seconds

    @property
    def poll_in_seconds(self) -> float:
        """Seconds until this supervisor polls."""
        if self._polled_at == -inf:
            return 0.0
        return self.turns.seconds_left(self._poll_seconds, self._polled_at)

    def start_poll(self) -> None:
        """A poll begins."""
        self._polled_at = self._clock.monotonic()

    def poll_now(self) -> None:
        """Poll at once, on a new connection: earlier notifications were not received."""
        self._polled_at = -inf

    @property
    def may_scan(self) -> bool:
        """Whether a scan is allowed; not soon after one that took the server long."""
        return self._rest.is_due

    @property
    def was_scanned_lately(self) -> bool:
        """Whether a storm in which no worker waits needs no scan yet."""
        return self._scan.seconds < _UNAWAITED_SECONDS

    @property
    def wants_notify(self) -> bool:
        """Whether producers are to notify; not in a storm of notifications."""
        return self._storm.is_over

    @property
    def workers_to_wake(self) -> int:
        """How many workers are to be woken for the jobs that the last scan found.

        One at first. While scans find jobs, the workers woken before were too few, until all have
        been woken: then it may be a job that none of them can claim.
        """
        doublings = self._found_in_row - 1
        return 2**doublings if 0 < doublings <= _DOUBLINGS_MAX else 1

    @property
    def pause(self) -> float:
        """Seconds until the next scan, without a notification and a poll."""
        is_over = self._pause >= self._poll_seconds and self.wants_notify and not self.is_slow
        return (
            inf
            if is_over and self.turns.supervisors > 1
            else self._pause * random.uniform(0.9, 1.0)
        )

    def scan_soon(self) -> None:
        """Scan soon, and soon again: a commit in between may have notified nobody."""
        self._pause = _SCAN_SECONDS_MIN

    def listened(self, seconds: float) -> None:
        """The supervisor listened so long for a notification."""
        self._storm.listened_seconds += seconds

    def notified(self, *, is_served: bool = False) -> float:
        """A notification came; returns the seconds until the scan for it, 0 as a rule.

        Args:
            is_served: Whether a worker was woken for it already; the scan then comes after its
                claim.
        """
        self._found_in_row = 0
        if self._storm.notified(self.turns.peers):
            self.suppress()
        served = _SCAN_SECONDS_MIN if is_served else 0.0
        pause = max(self._next_scan.seconds_left, served)
        self._next_scan.start(pause + _SCAN_SECONDS_MIN)
        return pause

    def start_scan(self) -> None:
        """A scan begins."""
        self._scan.restart()

    def scanned(self, *, found: bool, seconds: float) -> None:
        """A scan ended, which took the server so long."""
        self._found_in_row = self._found_in_row + 1 if found else 0
        longest = self._poll_seconds if self.wants_notify else _SCAN_SECONDS_MIN * self.turns.peers
        pause = _SCAN_SECONDS_MIN if self._found_in_row == 1 else 2.0 * self._pause
        self._pause = max(seconds / _SCAN_SHARE, min(pause, longest))
        self.is_slow = seconds > _LONG_SCAN_SECONDS
        if self.is_slow:
            rest = min(self._rest_seconds_max, seconds / _LONG_SCAN_SHARE)
            self._pause = min(rest, self._poll_seconds)
            self.rest(rest)

    def rest(self, seconds: float) -> None:
        """Do not scan for so long."""
        self._rest.start(seconds)

    def suppress(self) -> None:
        """Suppress notifications for a while, and scan often instead."""
        self._storm.suppress()
        self.scan_soon()
