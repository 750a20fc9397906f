"""Where the ready order of each queue begins, as far as this worker knows.

A claim that begins where the last one ended never reads again what was taken before it. That is
exact but for jobs that appear behind its back: of a transaction that took its position early and
committed late, or that somebody had locked or claimed and let go of again. For those each queue is
read from the front again every second, for a twentieth of the time at most, and at least every
thirty seconds. Pure but for the clock; the fetcher's alone.

A place may be stepped over once every transaction that could have taken an earlier position has
ended, as far as transaction ids tell: a sequence gives one out for every 32nd position only, so one
that has not written anything yet may be overlooked. One that goes on for longer than a second is
not waited for: it may write for hours, and a claim would read what others took meanwhile again and
again.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from pgqueue.store.claims import (
    POSITION_MIN,
    PRIORITY_MAX,
    ClaimedAttempt,
    ClaimedBatch,
    KeyRange,
    Visibility,
)

RESCAN_SECONDS = 1.0

# Of the time, for reading everything.
_RESCAN_SHARE = 1 / 20
_RESCAN_SECONDS_MAX = 30.0

# What the server gave up would be given up again.
_GIVEN_UP_SECONDS = 60.0

_WAIT_SECONDS_MAX = 1.0

# Priorities of one queue with a place of their own; those beyond are read with the one before.
_BANDS_MAX = 16

# Queues that have places; what is forgotten of another is read from its front again.
_QUEUES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class _Watermark:
    """Positions up to this one are known when transactions below *xmax* have ended."""

    position: int
    xmax: int
    at: float


@dataclass(slots=True)
class _Queue:
    """The places of one queue by priority, and when it is and was read from the front."""

    rescan_at: float = 0.0
    read_at: float = -inf
    places: dict[int, int] = field(default_factory=dict)

    def remember(self, priority: int) -> None:
        """Give a priority a place; the one that was met last longest ago may lose its own."""
        self.places[priority] = self.places.pop(priority, POSITION_MIN)
        if len(self.places) > _BANDS_MAX:
            del self.places[next(iter(self.places))]

    def step(self, known: int, last: ClaimedAttempt | None) -> None:
        """Step over what was read: everything, or all up to the last job."""
        for priority in self.places:
            if last is None or priority > last.priority:
                self.places[priority] = known
            elif priority == last.priority:
                self.places[priority] = min(known, last.position)


class ClaimCursors:
    """Places behind which to read, by queue and priority."""

    def __init__(self) -> None:
        self._queues: dict[str, _Queue] = {}
        self._known = POSITION_MIN
        self._seen = POSITION_MIN
        self._marks: deque[_Watermark] = deque()
        self._asked: Sequence[str] = ()
        self._asked_at = -inf
        self._rescanned: set[str] = set()

    @property
    def known(self) -> int:
        """Whatever was to appear up to this position has appeared."""
        return self._known

    def unread_since(self, at: float) -> list[str]:
        """Of the queues asked last, those not read from their front since that monotonic time."""
        known = ((name, self._queues.get(name)) for name in self._asked)
        return [name for name, queue in known if queue is not None and queue.read_at < at]

    def rescan_at(self, queues: Iterable[str]) -> float:
        """Monotonic time from which one of these is read from its front again; inf for none."""
        return min((self._queue(name).rescan_at for name in queues), default=inf)

    def spans(self, queues: Sequence[str]) -> list[KeyRange]:
        """What a claim of these queues is to read, in order."""
        now = time.monotonic()
        self._asked, self._asked_at = queues, now
        self._rescanned = {name for name in queues if now >= self._queue(name).rescan_at}
        spans: list[KeyRange] = []
        for name in queues:
            queue = self._queue(name)
            if name in self._rescanned:
                # Unless it comes back, and tells how long it took.
                queue.rescan_at = now + _GIVEN_UP_SECONDS
                spans.append(KeyRange(name))
            else:
                spans += _spans(name, queue.places)
        return spans

    def learn(self, batch: ClaimedBatch) -> None:
        """Take what the claim brought that was asked for last."""
        now = time.monotonic()
        self._look_back(batch.horizon, now)
        for name, priority in dict.fromkeys((job.queue, job.priority) for job in batch.claimed):
            self._queue(name).remember(priority)
        pause = min(_RESCAN_SECONDS_MAX, max(RESCAN_SECONDS, batch.seconds / _RESCAN_SHARE))
        last = None if batch.is_whole or not batch.claimed else batch.claimed[-1]
        # Where the first job was left, nothing was read.
        is_read = batch.is_whole or last is not None
        for name in self._asked:
            queue = self._queue(name)
            if name in self._rescanned:
                queue.rescan_at = now + pause if is_read else now
                if is_read:
                    queue.read_at = self._asked_at
            is_last = last is not None and last.queue == name
            if is_read:
                queue.step(self._known, last if is_last else None)
            is_read = is_read and not is_last  # those behind it were not

    def _queue(self, name: str) -> _Queue:
        if name not in self._queues:
            if len(self._queues) >= _QUEUES_MAX:
                del self._queues[next(iter(self._queues))]
            self._queues[name] = _Queue()
        return self._queues[name]

    def _look_back(self, horizon: Visibility, now: float) -> None:
        if horizon.position < self._seen:
            # A restored database, or one that took over from another that was ahead.
            self._queues.clear()
            self._marks.clear()
            self._known = POSITION_MIN
            self._seen = horizon.position
        # What had been taken before this claim's snapshot was made, had been taken by
        # transactions that it knows, or that have ended.
        if self._seen > (self._marks[-1].position if self._marks else self._known):
            self._marks.append(_Watermark(self._seen, horizon.xmax, now))
        self._seen = horizon.position
        while self._marks and (
            self._marks[0].xmax <= horizon.xmin or now - self._marks[0].at > _WAIT_SECONDS_MAX
        ):
            self._known = self._marks.popleft().position


def _spans(queue: str, places: Mapping[int, int]) -> Iterator[KeyRange]:
    priority, after = PRIORITY_MAX, POSITION_MIN
    for band in sorted(places, reverse=True):
        if band < priority:
            yield KeyRange(queue, priority, after, band + 1)
        priority, after = band, places[band]
    yield KeyRange(queue, priority, after)
