"""The kinds of worker that a supervisor has, and how many of each."""

from dataclasses import dataclass
from typing import NamedTuple

from pgqueue.core.queue_pattern import claims_by_name as claims_by_name
from pgqueue.core.settings import Settings


class WorkerKind(NamedTuple):
    """What a worker runs.

    Attributes:
        executor: `greenlet`, `asyncio` or `process`.
        quarantine: Whether it takes only the jobs that cost two workers, one at a time.
    """

    executor: str
    quarantine: bool = False


@dataclass(frozen=True, slots=True)
class WorkerPool:
    """Workers of one kind: how many processes, and what each may have in hand.

    Attributes:
        slots: Jobs that run at once.
        prefetch_max: Jobs that may wait for a slot.
        settling_max: Unsettled ends above which nothing is claimed.
    """

    kind: WorkerKind
    processes: int
    slots: int
    prefetch_max: int
    settling_max: int = 2000

    @property
    def scoreboard_slots(self) -> int:
        """How many jobs may be started and not settled, with some room to spare."""
        return 2 * (self.slots + self.prefetch_max + self.settling_max) + 100


def pool_for(kind: WorkerKind, settings: Settings) -> WorkerPool:
    """The crew that the settings ask for; one process where jobs run in quarantine."""
    processes, slots = {
        "greenlet": (settings.processes, settings.greenlets),
        "asyncio": (1, settings.coroutines),
        "process": (settings.cpus, 1),
    }[kind.executor]
    if kind.quarantine:
        # Nothing beside the job, not even the success before it that is not written yet.
        return WorkerPool(kind, min(processes, 1), slots=1, prefetch_max=0, settling_max=0)
    return WorkerPool(kind, processes, slots, settings.prefetch_max)


def connections_needed(settings: Settings) -> int:
    """How many connections a supervisor and its workers hold when every kind of them runs."""
    kinds = [WorkerKind(executor) for executor in ("greenlet", "asyncio", "process")]
    return 3 + 2 * sum(pool_for(kind, settings).processes for kind in kinds)
