"""Finds the workers whose main thread is blocked by a job, and the jobs that wait behind it.

The jobs that such a worker has claimed and not started would wait as long as the blocking job runs.
They may run elsewhere as soon as it is certain that this worker starts none of them any more.
"""

from dataclasses import dataclass

from pgqueue.process.scoreboard import Scoreboard

# A task that runs for so long without a pause belongs in a process of its own.
BLOCKED_SECONDS = 5.0


@dataclass(slots=True)
class Reclaim:
    """The jobs of a worker to return to the queue: all that it claimed and did not start.

    The supervisor's main thread writes `is_open`; maintenance reads it on its own thread.

    Attributes:
        blocking_job_id: The job that the others wait behind.
        is_open: Whether the worker still claims nothing. A row that was read before this became
            False was claimed before the reclaim, and is not started at the worker.
    """

    worker_id: int
    started_job_ids: frozenset[int]
    blocking_job_id: int
    is_open: bool = True


class BlockedThread:
    """The main thread of one worker, checked now and then on the supervisor's main thread.

    During a reclaim the worker claims nothing, and starts no job that it claimed before. A reclaim
    ends when the blocking job lets another one run, whether jobs were returned by then or not. It
    starts at one check and takes effect at the next one, if the job has had the thread all the
    while: the scoreboard shows by then every job that was started.

    Args:
        scoreboard: The worker's.
        releases_waiting: Whether the worker's claim loop returns by itself the jobs that wait too
            long. Then a reclaim starts only if the claim loop stands still as well.
    """

    def __init__(self, worker_id: int, scoreboard: Scoreboard, *, releases_waiting: bool) -> None:
        self._worker_id = worker_id
        self._scoreboard = scoreboard
        self._releases_waiting = releases_waiting
        self._reported_since: float | None = None
        self._reclaimed_since: float | None = None
        self._reclaim: Reclaim | None = None

    def new_blocking_job_id(self) -> int | None:
        """The job that has had the thread for 5 s, once; None when it was returned before."""
        job = self._scoreboard.blocked_by(BLOCKED_SECONDS)
        if job is None or job.since == self._reported_since:
            return None
        self._reported_since = job.since
        return job.job_id

    def check(self) -> Reclaim | None:
        """Start a reclaim, return it once it is certain, or end it."""
        job = self._scoreboard.blocked_by(BLOCKED_SECONDS)
        if self.is_reclaiming and (job is None or job.since != self._reclaimed_since):
            self.end_reclaim()
        if job is None or self._reclaim is not None:
            return None
        started = self._scoreboard.started()
        if started is None:
            return None  # slots ran out, so it is unknown which jobs were started
        if not self.is_reclaiming:
            if not self._releases_waiting or self._scoreboard.stalled_seconds() >= BLOCKED_SECONDS:
                self._reclaimed_since = job.since
                self._scoreboard.begin_reclaim()
            return None
        self._reclaim = Reclaim(self._worker_id, frozenset(started), job.job_id)
        return self._reclaim

    def end_reclaim(self) -> None:
        """End the reclaim, if there is one: the worker may claim again, or has ended."""
        if not self.is_reclaiming:
            return
        # In this order: see `Reclaim.is_open`.
        if self._reclaim is not None:
            self._reclaim.is_open = False
            self._reclaim = None
        self._reclaimed_since = None
        self._scoreboard.end_reclaim()

    @property
    def is_reclaiming(self) -> bool:
        """Whether a reclaim was started and not ended."""
        return self._reclaimed_since is not None
