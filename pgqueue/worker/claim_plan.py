"""What the next claim reads: which queues, from which cursors, and when to read them again."""

from collections.abc import Iterable, Sequence
from math import inf

from pgqueue.core.clock import MONOTONIC, Clock, Timer
from pgqueue.store.claims import ClaimedBatch, KeyRange
from pgqueue.worker.claim_cursors import ClaimCursors
from pgqueue.worker.queues import Queues


class ClaimPlan:
    """The queues and cursors of one worker.

    Attributes:
        _woken_at: Monotonic time at which a job was reported as ready last. Any thread.
        _cursors, _reread: The fetcher's thread.
    """

    def __init__(self, queues: Queues, *, clock: Clock = MONOTONIC) -> None:
        self._queues = queues
        self._clock = clock
        self._cursors = ClaimCursors(clock=clock)
        self._woken_at = -inf
        self._reread = Timer(clock, seconds=inf)

    def add_ready(self, queues: Iterable[str]) -> None:
        """A job is ready in these queues; safe on any thread."""
        self._queues.add_ready(queues)
        self._woken_at = self._clock.monotonic()

    def add_all(self) -> None:
        """A job may be ready in any queue whose name is known."""
        self._queues.add_all()
        self._woken_at = self._clock.monotonic()

    def reset_cursors(self) -> None:
        """Read each queue from its beginning."""
        self._cursors = ClaimCursors(clock=self._clock)

    @property
    def seconds_until_reread(self) -> float:
        """The seconds until queues are read again because a job may lie before their cursors."""
        return self._reread.seconds_left

    def start_reread(self) -> bool:
        """Whether it is time to read again; the next claim does so."""
        is_due = self._reread.is_due
        if is_due:
            self._reread.stop()
        return is_due

    def take(self) -> tuple[list[str], list[KeyRange]]:
        """The queues of the next claim, and what it reads of them."""
        queues = self._queues.take()
        return queues, self._cursors.key_ranges(queues)

    def restore(self, queues: Iterable[str]) -> None:
        """Read these queues the next time, as their claim failed."""
        self._queues.add_ready(queues)

    def record(self, queues: Sequence[str], batch: ClaimedBatch) -> None:
        """Record the answer to the claim of these queues."""
        self._cursors.record(batch)
        unread = self._cursors.queues_unread_since(self._woken_at)
        self._queues.record(queues, batch, unread)
        if batch.is_whole and not batch.claimed:
            # The job that woke the worker may lie before a cursor.
            self._reread.start(self._cursors.seconds_until_rescan(unread))
