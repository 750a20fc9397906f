"""Where the ready order of each queue begins, as far as this worker knows.

A claim that begins where the last one ended never reads again what was taken before it. That is
exact but for jobs that appear behind its back: of a transaction that took its position early and
committed late, or that somebody had claimed and rolled back. For those everything is read from
the front again every second, for a twentieth of the time at most. Pure but for the clock; the
fetcher's alone.

A place may be stepped over once every transaction that could have taken an earlier position has
ended. One that goes on for longer than a second is not waited for: it may write for hours, and a
claim would read what others took meanwhile again and again.
"""

import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pgqueue.store.attempts import Claimed
from pgqueue.store.claims import POSITION_MIN, PRIORITY_MAX, Batch, Horizon, Span

RESCAN_SECONDS = 1.0

# Of the time, for reading everything.
_RESCAN_SHARE = 1 / 20

_WAIT_SECONDS_MAX = 1.0

# Priorities of one queue with a place of their own; those beyond are read with the one before.
_BANDS_MAX = 16


@dataclass(frozen=True, slots=True)
class _Mark:
    """Positions up to this one are known when transactions below *xmax* have ended."""

    position: int
    xmax: int
    at: float


class Front:
    """Places behind which to read, by queue and priority."""

    def __init__(self) -> None:
        self._places: dict[str, dict[int, int]] = {}
        self._known = POSITION_MIN
        self._seen = POSITION_MIN
        self._marks: deque[_Mark] = deque()
        self._rescan_at = 0.0
        self._asked: Sequence[str] = ()
        self._asked_at = 0.0
        self._is_rescan = False

    @property
    def known(self) -> int:
        """Whatever was to appear up to this position has appeared."""
        return self._known

    @property
    def rescan_at(self) -> float:
        """Monotonic time from which the next claim reads everything."""
        return self._rescan_at

    @property
    def has_read_all(self) -> bool:
        """Whether the last claim read everything."""
        return self._is_rescan

    def spans(self, queues: Sequence[str]) -> list[Span]:
        """What a claim of these queues is to read, in order."""
        self._asked, self._asked_at = queues, time.monotonic()
        self._is_rescan = self._asked_at >= self._rescan_at
        if self._is_rescan:
            return [Span(queue) for queue in queues]
        return [span for queue in queues for span in _spans(queue, self._places.get(queue, {}))]

    def learn(self, batch: Batch) -> None:
        """Take what the claim brought that was asked for last."""
        now = time.monotonic()
        if self._is_rescan:
            seconds = now - self._asked_at
            self._rescan_at = now + max(RESCAN_SECONDS, seconds / _RESCAN_SHARE)
        self._look_back(batch.horizon, now)
        if not (batch.is_whole or batch.claimed):
            return  # the first job was left, so nothing was passed
        for queue, priority in dict.fromkeys((job.queue, job.priority) for job in batch.claimed):
            self._remember(queue, priority)
        last = None if batch.is_whole else batch.claimed[-1]
        for queue in self._asked:
            self._pass(self._places.get(queue, {}), last if last and last.queue == queue else None)
            if last and last.queue == queue:
                break  # those behind it were not read

    def _remember(self, queue: str, priority: int) -> None:
        places = self._places.setdefault(queue, {})
        places[priority] = places.pop(priority, POSITION_MIN)  # the latest comes last
        if len(places) > _BANDS_MAX:
            del places[next(iter(places))]

    def _pass(self, places: dict[int, int], last: Claimed | None) -> None:
        for priority in places:
            if last is None or priority > last.priority:
                places[priority] = self._known
            elif priority == last.priority:
                places[priority] = min(self._known, last.position)

    def _look_back(self, horizon: Horizon, now: float) -> None:
        # What had been taken before this claim's snapshot was made, had been taken by
        # transactions that it knows, or that have ended.
        if self._seen > (self._marks[-1].position if self._marks else self._known):
            self._marks.append(_Mark(self._seen, horizon.xmax, now))
        self._seen = horizon.position
        while self._marks and (
            self._marks[0].xmax <= horizon.xmin or now - self._marks[0].at > _WAIT_SECONDS_MAX
        ):
            self._known = self._marks.popleft().position


def _spans(queue: str, places: Mapping[int, int]) -> Iterator[Span]:
    priority, after = PRIORITY_MAX, POSITION_MIN
    for band in sorted(places, reverse=True):
        if band < priority:
            yield Span(queue, priority, after, band + 1)
        priority, after = band, places[band]
    yield Span(queue, priority, after)
