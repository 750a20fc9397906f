"""How much a worker asks for in one claim: jobs, and bytes of their arguments.

A claim whose answer does not come within the time limit of its connection would not come the next
time either. So each failure halves what is asked for, and so does an answer that took long. A claim
locks jobs that have no space in its answer, and keeps them from other workers for that time. So the
next claim asks for about as many jobs as had space.
"""

from pgqueue.core.adaptive_batch import AdaptiveBatch
from pgqueue.store.claims import ARGS_BYTES_MAX, ClaimedBatch

_JOBS_MAX = 1000

# The supervisor replaces a worker whose fetcher takes no turn for 5 s.
_LONG_SECONDS = 1.0


class ClaimSize:
    """The limits of the next claim. The fetcher's thread alone uses it."""

    def __init__(self) -> None:
        self._jobs = AdaptiveBatch(_JOBS_MAX)
        self._args_bytes = AdaptiveBatch(ARGS_BYTES_MAX)

    @property
    def jobs_max(self) -> int:
        """The most jobs."""
        return self._jobs.size

    @property
    def args_bytes_max(self) -> int:
        """The most bytes of arguments, for all jobs but the first."""
        return self._args_bytes.size

    def record_answer(self, batch: ClaimedBatch, seconds: float) -> None:
        """Record an answer, and how long it took."""
        if seconds > max(_LONG_SECONDS, 2.0 * batch.seconds):
            self._args_bytes.halve(self._args_bytes.size)
        else:
            self._args_bytes.grow()
        if batch.affordable is None:
            self._jobs.grow()
        else:
            self._jobs.size = batch.affordable + batch.affordable // 4 + 1

    def record_failure(self) -> None:
        """Record that a claim was not answered."""
        self._jobs.halve(self._jobs.size)
        self._args_bytes.halve(self._args_bytes.size)
