"""Cursors into the ready order of each queue: where the next claim begins to read.

A claim that begins where the last claim ended does not read the jobs again that were claimed before
it. It misses jobs that appear before its cursor: of a transaction that took a position early and
committed late, or jobs that a transaction had locked or claimed and released. So each queue is
scanned from its beginning every second, for a twentieth of the time at most, and at least every
thirty seconds. Pure but for the clock; the fetcher's thread alone uses it.

A cursor may pass a position once every transaction that could have taken an earlier position has
ended, as far as transaction ids show. A sequence hands out one id for every 32nd position only, so
that a transaction that has not written yet may be missed. A transaction that goes on for longer
than a second is not waited for: it may write for hours, and each claim would read the jobs again
that other workers claimed meanwhile.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from pgqueue.core.clock import MONOTONIC, Clock, Timer
from pgqueue.store.claims import (
    POSITION_MIN,
    PRIORITY_MAX,
    ClaimedAttempt,
    ClaimedBatch,
    KeyRange,
    Snapshot,
)

RESCAN_SECONDS = 1.0
"""The shortest time between two scans of a queue from its beginning."""

# The share of the time that may be spent on such scans.
_RESCAN_SHARE = 1 / 20
_RESCAN_SECONDS_MAX = 30.0

# A scan that the server ended by its timeout would be ended again.
_FAILED_RESCAN_SECONDS = 60.0

_WATERMARK_SECONDS_MAX = 1.0

# Priorities of one queue with a cursor of their own; further ones share the cursor above them.
_PRIORITIES_MAX = 16

# Queues with cursors; a queue beyond them is scanned from its beginning.
_QUEUES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class _Watermark:
    """Positions up to *position* are visible when the transactions below *xmax* have ended."""

    position: int
    xmax: int
    seen_at: float


class _QueueCursors:
    """The cursors of one queue by priority.

    Attributes:
        positions: The position after which to read, by priority.
        rescan: Due when the queue is scanned from its beginning.
        scanned_at: Monotonic time of the last such scan.
    """

    __slots__ = ("positions", "rescan", "scanned_at")

    def __init__(self, clock: Clock) -> None:
        self.positions: dict[int, int] = {}
        self.rescan = Timer(clock)
        self.scanned_at = -inf

    def add_priority(self, priority: int) -> None:
        """Give a priority a cursor; the priority that was claimed longest ago may lose its own."""
        self.positions[priority] = self.positions.pop(priority, POSITION_MIN)
        if len(self.positions) > _PRIORITIES_MAX:
            del self.positions[next(iter(self.positions))]

    def advance(self, known: int, last: ClaimedAttempt | None) -> None:
        """Move the cursors past what was read: the whole queue, or the jobs up to the last one."""
        for priority in self.positions:
            if last is None or priority > last.priority:
                self.positions[priority] = known
            elif priority == last.priority:
                self.positions[priority] = min(known, last.position)


class ClaimCursors:
    """The cursors of all queues of one worker.

    Attributes:
        known_position: Every job that can get a position up to this one is visible.
        _seen_position: The highest position that a claim has seen.
        _watermarks: Positions that are not known yet, the lowest first.
        _read_queues, _read_at, _rescanned: The queues of the last claim, its time, and the
            queues that it scanned from their beginnings.
    """

    def __init__(self, *, clock: Clock = MONOTONIC) -> None:
        self.known_position = POSITION_MIN
        self._clock = clock
        self._queues: dict[str, _QueueCursors] = {}
        self._seen_position = POSITION_MIN
        self._watermarks: deque[_Watermark] = deque()
        self._read_queues: Sequence[str] = ()
        self._read_at = -inf
        self._rescanned: set[str] = set()

    def queues_unread_since(self, at: float) -> list[str]:
        """Queues of the last claim that were not scanned from the beginning since a time."""
        known = ((name, self._queues.get(name)) for name in self._read_queues)
        return [name for name, queue in known if queue is not None and queue.scanned_at < at]

    def seconds_until_rescan(self, queues: Iterable[str]) -> float:
        """The seconds until one of these is scanned from its beginning; inf for none."""
        return min((self._queue(name).rescan.seconds_left for name in queues), default=inf)

    def key_ranges(self, queues: Sequence[str]) -> list[KeyRange]:
        """What a claim of these queues reads, in order."""
        self._read_queues, self._read_at = queues, self._clock.monotonic()
        self._rescanned = {name for name in queues if self._queue(name).rescan.is_due}
        ranges: list[KeyRange] = []
        for name in queues:
            queue = self._queue(name)
            if name in self._rescanned:
                # Unless the claim is answered, and says how long the scan took.
                queue.rescan.start(_FAILED_RESCAN_SECONDS)
                ranges.append(KeyRange(name))
            else:
                ranges += _key_ranges(name, queue.positions)
        return ranges

    def record(self, batch: ClaimedBatch) -> None:
        """Record the answer to the claim of the last `key_ranges`."""
        self._update_known_position(batch.snapshot)
        for name, priority in dict.fromkeys((job.queue, job.priority) for job in batch.claimed):
            self._queue(name).add_priority(priority)
        pause = min(_RESCAN_SECONDS_MAX, max(RESCAN_SECONDS, batch.seconds / _RESCAN_SHARE))
        last = None if batch.is_whole or not batch.claimed else batch.claimed[-1]
        # A claim that left even the first job has read nothing.
        is_read = batch.is_whole or last is not None
        for name in self._read_queues:
            queue = self._queue(name)
            if name in self._rescanned:
                queue.rescan.start(pause if is_read else 0.0)
                if is_read:
                    queue.scanned_at = self._read_at
            is_last = last is not None and last.queue == name
            if is_read:
                queue.advance(self.known_position, last if is_last else None)
            is_read = is_read and not is_last  # the claim ended before the queues behind it

    def _queue(self, name: str) -> _QueueCursors:
        queue = self._queues.get(name)
        if queue is None:
            if len(self._queues) >= _QUEUES_MAX:
                del self._queues[next(iter(self._queues))]
            queue = self._queues[name] = _QueueCursors(self._clock)
        return queue

    def _update_known_position(self, snapshot: Snapshot) -> None:
        now, watermarks = self._clock.monotonic(), self._watermarks
        if snapshot.position < self._seen_position:
            # A restored database, or a standby that took over without the last transactions.
            self._queues.clear()
            watermarks.clear()
            self.known_position = POSITION_MIN
            self._seen_position = snapshot.position
        # Positions that were taken before this claim's snapshot belong to transactions that the
        # snapshot knows, or that have ended.
        if self._seen_position > (watermarks[-1].position if watermarks else self.known_position):
            watermarks.append(_Watermark(self._seen_position, snapshot.xmax, now))
        self._seen_position = snapshot.position
        while watermarks and (
            watermarks[0].xmax <= snapshot.xmin
            or now - watermarks[0].seen_at > _WATERMARK_SECONDS_MAX
        ):
            self.known_position = watermarks.popleft().position


def _key_ranges(queue: str, positions: Mapping[int, int]) -> Iterator[KeyRange]:
    priority, after = PRIORITY_MAX, POSITION_MIN
    for lower in sorted(positions, reverse=True):
        if lower < priority:
            yield KeyRange(queue, priority, after, lower + 1)
        priority, after = lower, positions[lower]
    yield KeyRange(queue, priority, after)
