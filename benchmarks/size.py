"""The sizes of all figures, which follow from one number, so that a small run is small."""

from dataclasses import dataclass

JOBS = 60_000

PRUNED = 3
"""Expired jobs for each drained job.

Beside drains of 24,000 to 33,000 jobs a second, 0.9 to 1.3 jobs were pruned for each drained one.
The expired jobs must outlast the drain, also on a machine that prunes faster.
"""

PRUNED_AROUND = 100_000
"""Expired jobs for the time around the drain, in which 30,000 were pruned."""

STEP = 200
"""Two clients of the reference claim a hundred jobs at once, never fewer."""


@dataclass(frozen=True, slots=True)
class Size:
    """Sizes that are the goals' own at 60,000 jobs.

    Args:
        jobs: The jobs of one drain; a multiple of `STEP`.
    """

    jobs: int = JOBS

    @property
    def under_snapshot(self) -> int:
        """Jobs of a drain under an old snapshot: 300,000."""
        return 5 * self.jobs

    @property
    def others(self) -> int:
        """Jobs of each kind beside a drain: 1,000,000."""
        return max(2 * self.jobs, self.jobs * 50 // 3)

    @property
    def finished(self) -> int:
        """Finished jobs beside a drain: 10,000,000."""
        return self.others * 10

    @property
    def expired(self) -> int:
        """Finished jobs that retention may delete: 280,000."""
        return PRUNED_AROUND + PRUNED * self.jobs

    @property
    def bulk(self) -> int:
        """Jobs inserted at once: 120,000."""
        return 2 * self.jobs

    @property
    def saturating(self) -> int:
        """Queued jobs of 10 ms beside an urgent one: 100,000."""
        return max(4_000, self.jobs * 5 // 3)

    @property
    def naps(self) -> int:
        """Jobs of 20 ms in 25 slots: 10,000, which take eight seconds."""
        return max(1_000, self.jobs // 6)

    @property
    def samples(self) -> int:
        """Jobs whose start is timed, in each round: 300."""
        return max(20, self.jobs // 200)

    @property
    def short_samples(self) -> int:
        """Short jobs beside long ones whose start is timed: 120, ten a second."""
        return max(20, self.jobs // 500)

    @property
    def rare_samples(self) -> int:
        """Jobs with a long pause whose start is timed: 30."""
        return max(3, self.jobs // 2_000)

    @property
    def seconds(self) -> float:
        """Seconds that producers enqueue: 6."""
        return max(1.0, self.jobs / 10_000)

    @property
    def idle_seconds(self) -> float:
        """Seconds of idleness: 60, the longest interval of a service except rescue."""
        return max(2.0, min(60.0, self.jobs / 500))

    @property
    def children(self) -> int:
        """Children that share many queues: 50."""
        return max(2, min(50, self.jobs // 1_200))

    @property
    def supervisors(self) -> tuple[int, int]:
        """Numbers of supervisors that share the queues: 20 and 50."""
        return max(2, min(20, self.jobs // 3_000)), max(3, min(50, self.jobs // 1_200))
