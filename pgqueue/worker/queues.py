"""Which queues a claim asks, and in which order.

All of a worker's queues, where they are few. Of a thousand most are empty most of the time, and
of `mail/` nobody knows the names: there a claim asks those of which its supervisor said that a job
is ready, until it has found them empty. The fetcher's, but for `hear`.
"""

from collections.abc import Iterable, Sequence
from threading import Lock

from pgqueue.core.queue_pattern import claims_by_name
from pgqueue.store.claims import ClaimedBatch


class Queues:
    """The queues of one worker.

    Args:
        patterns: In strict order; a trailing `/` stands for all sub-queues.
        is_round_robin: Begin with another queue at each claim.
    """

    def __init__(self, patterns: Sequence[str], *, is_round_robin: bool) -> None:
        self._patterns = list(patterns)
        self._is_round_robin = is_round_robin
        self._by_hint = claims_by_name(patterns)
        self._ready: set[str] = set()
        self._changing = Lock()
        self._turns = 0

    def hear(self, queues: Iterable[str]) -> None:
        """A job is ready in these; safe on any thread."""
        if self._by_hint:
            with self._changing:
                self._ready.update(queues)

    def hear_of_all(self) -> None:
        """A job may be ready in any, of which nobody told."""
        self.hear(pattern for pattern in self._patterns if not pattern.endswith("/"))

    def take(self) -> list[str]:
        """The queues of the next claim; what is heard from now on is for the one after it."""
        if self._by_hint:
            with self._changing:
                ready, self._ready = self._ready, set()
            queues = self._in_order(ready)
        else:
            queues = list(self._patterns)
        if self._is_round_robin and queues:
            self._turns += 1
            first = self._turns % len(queues)
            queues = queues[first:] + queues[:first]
        return queues

    def learn(self, asked: Sequence[str], batch: ClaimedBatch, unread: Iterable[str]) -> None:
        """Take what the claim brought that asked these.

        Those that it found empty are forgotten.

        Args:
            unread: Those of which it only read on from a place. What it was woken for may lie
                before that, and is found when they are read from their front.
        """
        if not batch.claimed:
            self.hear(unread if batch.is_whole else asked)
        elif not batch.is_whole:
            self.hear(asked[asked.index(batch.claimed[-1].queue) :])

    def _in_order(self, ready: set[str]) -> list[str]:
        queues: dict[str, None] = {}
        for pattern in self._patterns:
            if pattern.endswith("/"):
                queues |= dict.fromkeys(sorted(q for q in ready if q.startswith(pattern)))
            elif pattern in ready:
                queues[pattern] = None
        return list(queues)
