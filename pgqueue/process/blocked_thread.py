"""Finds the workers that a job keeps from everything, and what waits in hand behind it.

The jobs that such a worker has claimed and not started would wait for as long as that job likes.
They may run elsewhere as soon as it is certain that this worker starts none of them any more.
"""

from dataclasses import dataclass

from pgqueue.process.scoreboard import Scoreboard

# A task that goes on for so long without a pause belongs into a process of its own.
BLOCKED_SECONDS = 5.0


@dataclass(slots=True)
class Reclaim:
    """Jobs of a worker to take back: all that it has claimed, but for those that it started.

    Attributes:
        blocking_job_id: What they wait behind.
        is_open: Whether the worker still claims nothing. What was found running at it before this
            became False had been claimed before the recall, and is not started there.
    """

    worker_id: int
    started_job_ids: frozenset[int]
    blocking_job_id: int
    is_open: bool = True


class BlockedThread:
    """One worker's main thread, looked at now and then.

    The worker starts nothing that it claimed before a recall began, and claims nothing until it
    has ended: when the job gives way, whether anything was taken back by then or not. A recall
    begins at one look and is believed at the next, when the same job had the thread all the
    while: what was started until then is on the board.

    Args:
        board: The worker's.
        gives_back: Whether its claim loop hands back what waits too long, while the job goes on:
            then there is a recall only if that loop stands still as well.
    """

    def __init__(self, worker_id: int, scoreboard: Scoreboard, *, gives_back: bool) -> None:
        self._worker_id = worker_id
        self._scoreboard = scoreboard
        self._gives_back = gives_back
        self._told_since: float | None = None
        self._called_since: float | None = None
        self._reclaim: Reclaim | None = None

    def news(self) -> int | None:
        """The job that has had the thread for 5 s, told once."""
        block = self._scoreboard.block(BLOCKED_SECONDS)
        if block is None or block.since == self._told_since:
            return None
        self._told_since = block.since
        return block.job_id

    def look(self) -> Reclaim | None:
        """Take a look: begin a recall, tell of it when it is certain, or end it."""
        block = self._scoreboard.block(BLOCKED_SECONDS)
        if self.is_reclaiming and (block is None or block.since != self._called_since):
            self.end()
        if block is None or self._reclaim is not None:
            return None
        started = self._scoreboard.started()
        if started is None:
            return None  # places ran out, so it is unknown what was started
        if not self.is_reclaiming:
            if not self._gives_back or self._scoreboard.stalled_seconds() >= BLOCKED_SECONDS:
                self._called_since = block.since
                self._scoreboard.begin_reclaim()
            return None
        self._reclaim = Reclaim(self._worker_id, frozenset(started), block.job_id)
        return self._reclaim

    def end(self) -> None:
        """End the recall, if there is one: the worker may claim again, or is gone."""
        if not self.is_reclaiming:
            return
        # In this order: see `Recall.is_open`.
        if self._reclaim is not None:
            self._reclaim.is_open = False
            self._reclaim = None
        self._called_since = None
        self._scoreboard.end_reclaim()

    @property
    def is_reclaiming(self) -> bool:
        """Whether a recall has begun and not ended."""
        return self._called_since is not None
