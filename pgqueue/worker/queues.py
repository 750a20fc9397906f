"""Which queues a claim reads, and in which order.

A worker of few queues reads all of them. Of a thousand queues most are empty most of the time, and
the names of the sub-queues of `mail/` are not known beforehand. There a claim reads the queues that
the supervisor reported as ready, until a claim finds them empty.
"""

from collections.abc import Iterable, Sequence
from threading import Lock

from pgqueue.core.queue_pattern import claims_by_name, in_pattern_order, split_patterns
from pgqueue.store.claims import ClaimedBatch


class Queues:
    """The queues of one worker.

    Args:
        patterns: In strict order; a trailing `/` stands for all sub-queues.
        is_round_robin: Begin with another queue at each claim.

    Attributes:
        _ready: Queues that the next claim reads. Any thread, under the lock.
        _claim_count: How many claims have read. The fetcher's thread.
    """

    def __init__(self, patterns: Sequence[str], *, is_round_robin: bool) -> None:
        self._patterns = list(patterns)
        self._is_round_robin = is_round_robin
        self._reads_ready_only = claims_by_name(patterns)
        self._ready: set[str] = set()
        self._changing = Lock()
        self._claim_count = 0

    def add_ready(self, queues: Iterable[str]) -> None:
        """A job is ready in these queues; safe on any thread."""
        if self._reads_ready_only:
            with self._changing:
                self._ready.update(queues)

    def add_all(self) -> None:
        """A job may be ready in any queue whose name is known; safe on any thread."""
        self.add_ready(split_patterns(self._patterns)[0])

    def take(self) -> list[str]:
        """The queues of the next claim; a queue added from now on is read by the claim after it."""
        if self._reads_ready_only:
            with self._changing:
                ready, self._ready = self._ready, set()
            queues = in_pattern_order(self._patterns, ready)
        else:
            queues = list(self._patterns)
        if self._is_round_robin and queues:
            self._claim_count += 1
            first = self._claim_count % len(queues)
            queues = queues[first:] + queues[:first]
        return queues

    def record(self, queues: Sequence[str], batch: ClaimedBatch, unread: Iterable[str]) -> None:
        """Record the answer to a claim that read *queues*: the next claim skips the empty ones.

        Args:
            unread: Queues that the claim read from a cursor on. The job that woke the worker may
                lie before the cursor, and is found when the queue is read from its beginning.
        """
        if not batch.claimed:
            self.add_ready(unread if batch.is_whole else queues)
        elif not batch.is_whole:
            self.add_ready(queues[queues.index(batch.claimed[-1].queue) :])
