"""How much each figure does: all of it follows from one number, so that a small run is small."""

from dataclasses import dataclass

JOBS = 60_000

PRUNED = 3
"""Finished jobs whose time is over, for each that is drained.

Beside drains of 24,000 to 33,000 jobs a second 0.9 to 1.3 were pruned for each one drained. They
must not run out before the drain ends, on a machine that prunes faster neither.
"""

PRUNED_AROUND = 100_000
"""The same from the supervisor's start to the first job's, and after the last: 30,000 went then."""

STEP = 200
"""Two clients of the reference claim a hundred jobs at once, and none of them less."""


@dataclass(frozen=True, slots=True)
class Size:
    """Sizes that are the goals' own at 60,000 jobs.

    Args:
        jobs: Of one drain; a multiple of `STEP`.
    """

    jobs: int = JOBS

    @property
    def held(self) -> int:
        """Of a drain under an old snapshot: 300,000."""
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
    def over(self) -> int:
        """Finished jobs whose time is over: 280,000."""
        return PRUNED_AROUND + PRUNED * self.jobs

    @property
    def bulk(self) -> int:
        """Jobs inserted at once: 120,000."""
        return 2 * self.jobs

    @property
    def saturating(self) -> int:
        """Jobs of 10 ms before one of the highest priority: 100,000."""
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
    def rare_samples(self) -> int:
        """Jobs whose start is timed and that come once a second: 30."""
        return max(3, self.jobs // 2_000)

    @property
    def seconds(self) -> float:
        """How long producers enqueue: 6."""
        return max(1.0, self.jobs / 10_000)

    @property
    def idle_seconds(self) -> float:
        """How long nothing is done: 60, once what comes least often but for a rescue."""
        return max(2.0, min(60.0, self.jobs / 500))

    @property
    def children(self) -> int:
        """Children that share many queues: 50."""
        return max(2, min(50, self.jobs // 1_200))
