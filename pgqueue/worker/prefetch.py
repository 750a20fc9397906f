"""How many jobs may wait for a slot of their worker, and for how long.

A prefetched job waits while another worker could run it, and delays a job of a higher priority that
is enqueued later. So the prefetch holds no more than the slots will take within the horizon. That
follows from the attempts that ended lately: the average run says nothing of jobs that do not end.
Pure but for the clock.
"""

from collections import deque
from math import ceil, inf
from typing import NamedTuple

from pgqueue.core.clock import MONOTONIC, Clock

_HORIZON_SECONDS_MIN = 0.05
_HORIZON_SECONDS_MAX = 0.5

# Within one round trip a claim is answered, and a refill is claimed when half of the prefetch is
# left. So the horizon is three round trips, where the link is that long.
_ROUND_TRIPS = 3.0

# The shortest of so many claims is the round trip: any one may have waited for a lock.
_CLAIMS = 5

# How many horizons the last waiting job may wait at the current rate of ends, before all return.
_HORIZONS_MAX = 4.0

# No job waits for longer, also where a slot is free and another job keeps the main thread.
_WAITING_SECONDS_MAX = 1.0

# The prefetch ends at so many bytes of arguments, as all of it stays in memory.
_ARGS_BYTES_MAX = 4 * 1024 * 1024

# A turn that comes so late shows that the whole process got no CPU: its jobs could not end either.
_LATE_SECONDS = 0.02

# Weight of the newest run in the moving average of run seconds.
_NEWEST_WEIGHT = 0.1


class _Ends(NamedTuple):
    """How many attempts had ended at a monotonic time."""

    at: float
    ended_count: int


class _Batch(NamedTuple):
    """The attempts of one claim, up to the *last* one that was ever added."""

    last: int
    received_at: float
    args_bytes: int


class _Horizon:
    """How far ahead a worker claims, by the round trips of its claims.

    Attributes:
        seconds: Computed once for each claim, as it is read for each job that ends.
    """

    __slots__ = ("_claim_seconds", "seconds")

    def __init__(self) -> None:
        self.seconds = _HORIZON_SECONDS_MIN
        self._claim_seconds = deque[float](maxlen=_CLAIMS)

    def record_claim(self, seconds: float) -> None:
        self._claim_seconds.append(seconds)
        round_trips = _ROUND_TRIPS * min(self._claim_seconds)
        self.seconds = min(_HORIZON_SECONDS_MAX, max(_HORIZON_SECONDS_MIN, round_trips))


class Prefetch:
    """The limit of the jobs that wait for a slot of one worker.

    Args:
        jobs_max: The largest prefetch, while runs are short.

    Attributes:
        run_seconds: Moving average of recent runs; None before the first. Main thread.
        ended_count: Attempts that a runner took and that ended. Main thread.
        ended_at: Monotonic time of the last end. Main thread.
        _horizon: How much work the prefetch may hold. Fetcher.
        _older, _newer: Ends one to two horizons ago, and up to one horizon ago. Fetcher.
        _batches: Claims with attempts that may still wait, the first one first. Fetcher.
        _is_full: Whether their arguments are too many bytes for another claim. Fetcher.
        _next_turn_at: When the fetcher's next turn is due; `inf` if unknown. Fetcher.
        _held_up_at: When the process last got no CPU. Fetcher.
    """

    def __init__(self, jobs_max: int, *, clock: Clock = MONOTONIC) -> None:
        self.run_seconds: float | None = None
        self.ended_count = 0
        self.ended_at = -inf
        self._jobs_max = jobs_max
        self._clock = clock
        self._horizon = _Horizon()
        self._older = self._newer = _Ends(clock.monotonic(), 0)
        self._batches = deque[_Batch]()
        self._is_full = False
        self._next_turn_at = inf
        self._held_up_at = -inf

    def record_end(self, now: float, run_seconds: float | None) -> None:
        """Record the end of an attempt; None for one that never started."""
        self.ended_count += 1
        self.ended_at = now
        if run_seconds is not None:
            average = self.run_seconds
            self.run_seconds = (
                run_seconds
                if average is None
                else average + _NEWEST_WEIGHT * (run_seconds - average)
            )

    # For the fetcher.

    @property
    def horizon_seconds(self) -> float:
        """How much work the prefetch may hold."""
        return self._horizon.seconds

    def record_claim(self, seconds: float) -> None:
        """Record how long a claim took until its answer."""
        self._horizon.record_claim(seconds)

    def begin_turn(self, taken: int) -> None:
        """A turn of the fetcher begins.

        Args:
            taken: Attempts that runners took.
        """
        while self._batches and self._batches[0].last <= taken:
            self._batches.popleft()
        self._measure()
        now, horizon = self._clock.monotonic(), self._horizon.seconds
        if now - self._next_turn_at > _LATE_SECONDS:
            self._held_up_at = now
        self._next_turn_at = inf
        if now - self._newer.at >= 2.0 * horizon:
            # Nobody knows when the attempts ended that ended since.
            self._older = _Ends(now - horizon, self.ended_count)
            self._newer = _Ends(now, self.ended_count)
        elif now - self._newer.at >= horizon:
            self._older, self._newer = self._newer, _Ends(now, self.ended_count)

    def end_turn(self, pause: float) -> None:
        """A turn ended, and the next one comes after a pause."""
        self._next_turn_at = self._clock.monotonic() + pause

    def limit(self, slots: int, occupied: int) -> int:
        """How many attempts may wait beyond the slots; 0 unless recent runs were short.

        Args:
            occupied: Attempts that wait or run.
        """
        average, horizon = self.run_seconds, self._horizon.seconds
        if average is None or average > horizon or self._is_full:
            return 0
        limit = min(self._jobs_max, int(slots * horizon / max(average, 1e-5)))
        # Of an idle worker no attempt ended lately.
        return min(limit, ceil(self._ends_within(horizon))) if occupied else limit

    def add(self, last: int, args_bytes: int) -> None:
        """Attempts were added, the *last* one of them being that many-th."""
        self._batches.append(_Batch(last, self._clock.monotonic(), args_bytes))
        self._measure()

    def clear(self) -> None:
        """No attempt waits any more."""
        self._batches.clear()
        self._measure()

    def return_in_seconds(self, beyond: int) -> float:
        """The seconds until the waiting attempts return to the queue, unless a slot takes them.

        Args:
            beyond: Waiting attempts for which no slot is free.
        """
        if not self._batches:
            return inf
        received_at, horizon = self._batches[0].received_at, self._horizon.seconds
        due_at = received_at + _WAITING_SECONDS_MAX
        if beyond > 0:
            since = max(received_at, self._held_up_at)
            if beyond <= _HORIZONS_MAX * self._ends_within(horizon):
                since = max(since, self.ended_at)
            due_at = min(due_at, since + horizon)
        return max(0.0, due_at - self._clock.monotonic())

    def _measure(self) -> None:
        self._is_full = sum(batch.args_bytes for batch in self._batches) > _ARGS_BYTES_MAX

    def _ends_within(self, seconds: float) -> float:
        """How many attempts will end within *seconds*, as they did lately."""
        now, older = self._clock.monotonic(), self._older
        if now - self.ended_at >= seconds:
            return 0.0
        return (self.ended_count - older.ended_count) * seconds / max(seconds, now - older.at)
