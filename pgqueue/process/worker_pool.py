"""The kinds of worker that a supervisor has, and how many of each."""

from dataclasses import dataclass
from typing import NamedTuple

from pgqueue.core.settings import Settings


class WorkerKind(NamedTuple):
    """Which jobs a worker runs.

    Attributes:
        executor: `greenlet`, `asyncio` or `process`.
        quarantine: Whether it runs only the jobs that have ended two workers, one at a time.
    """

    executor: str
    quarantine: bool = False


@dataclass(frozen=True, slots=True)
class WorkerPool:
    """Workers of one kind: how many processes, and how many jobs each may claim.

    Attributes:
        slots: Jobs that run at once.
        prefetch_max: Jobs that may wait for a slot.
        settling_max: Attempts that wait to be settled, above which nothing is claimed.
    """

    kind: WorkerKind
    processes: int
    slots: int
    prefetch_max: int
    settling_max: int = 2000

    @property
    def scoreboard_slots(self) -> int:
        """How many jobs may be started and not settled, twice over and a hundred more."""
        return 2 * (self.slots + self.prefetch_max + self.settling_max) + 100


def pool_for(kind: WorkerKind, settings: Settings) -> WorkerPool:
    """The pool that the settings want; at most one process where jobs run in quarantine."""
    processes, slots = {
        "greenlet": (settings.processes, settings.greenlets),
        "asyncio": (1, settings.coroutines),
        "process": (settings.cpus, 1),
    }[kind.executor]
    if kind.quarantine:
        # One job at a time, and nothing beside it: a success that is not written yet would be lost
        # with the worker.
        return WorkerPool(kind, min(processes, 1), slots=1, prefetch_max=0, settling_max=0)
    return WorkerPool(kind, processes, slots, settings.prefetch_max)


def connections_needed(settings: Settings) -> int:
    """How many connections a supervisor and its workers open when every kind of worker runs."""
    kinds = [WorkerKind(executor) for executor in ("greenlet", "asyncio", "process")]
    return 3 + 2 * sum(pool_for(kind, settings).processes for kind in kinds)
