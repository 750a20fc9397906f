"""Workers without processes, for tests of the parts of a supervisor."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from pgqueue.core.clock import MONOTONIC, Clock, Stopwatch
from pgqueue.process.blocked_thread import Reclaim
from pgqueue.process.channel import Channel
from pgqueue.process.child import ChildReport, ExitReason
from pgqueue.process.counters import Counters
from pgqueue.process.scoreboard import Scoreboard
from pgqueue.process.worker_pool import WorkerKind, WorkerPool


class StubProcess:
    """A process that is frozen or not."""

    def __init__(self) -> None:
        self.frozen = False

    def is_frozen(self, seconds: float) -> bool:
        """As the test said."""
        return self.frozen

    def wait(self) -> None:
        """A process that is not there has ended."""


class StubThread:
    """A main thread that is blocked or not."""

    def __init__(self) -> None:
        self.is_reclaiming = False
        self.reclaim: Reclaim | None = None
        self.job_id: int | None = None

    def check(self) -> Reclaim | None:
        """As the test said."""
        return self.reclaim

    def new_blocking_job_id(self) -> int | None:
        """As the test said."""
        return self.job_id


class StubChild:
    """A child without a process: a test lets it report, wait and end.

    Attributes:
        worker: The worker's end of the channel.
        stops: The grace of each stop that it got.
        kills: The details of each kill.
        ailments: Names of its methods that return true: `is_stalled`, `is_late`, `resists_timeout`,
            `outlives_lease`.
    """

    def __init__(self, worker_id: int, pool: WorkerPool, clock: Clock = MONOTONIC) -> None:
        self.worker_id = worker_id
        self.pool = pool
        self.kind = pool.kind
        self.pid = 1_000 + worker_id
        self.age = Stopwatch(clock, started=True)
        self.report = ChildReport()
        self.scoreboard = Scoreboard(1)
        self.channel, worker_end = Channel.pair()
        self.worker = Channel(worker_end)
        self.process = StubProcess()
        self.blocked_thread = StubThread()
        self.ailments: set[str] = set()
        self.has_ended = False
        self.reason = "died"
        self.stops: list[float] = []
        self.kills: list[str] = []
        self.renewals: list[float] = []

    def extend_lease(self, renewed_at: float, lease_seconds: float) -> None:
        """Note the renewal."""
        self.renewals.append(renewed_at)

    def outlives_lease(self, lease_seconds: float) -> bool:
        """As the test said."""
        return "outlives_lease" in self.ailments

    @property
    def counters(self) -> Counters:
        """Its latest numbers."""
        return self.report.counters

    @property
    def received(self) -> list[dict[str, Any]]:
        """The messages that it got since the last call."""
        return self.worker.receive(wait=False) or []

    def stop(self, grace_seconds: float, detail: str = "") -> None:
        """Note the stop."""
        self.reason = "stopped"
        self.stops.append(grace_seconds)

    def repeat_stop(self) -> bool:
        """Every stop reaches it."""
        return True

    def kill(self, reason: str, detail: str, overdue_job_id: int | None = None) -> None:
        """Note the kill, if it lives."""
        if not self.has_ended:
            self.kills.append(detail)

    def is_stalled(self, seconds: float) -> bool:
        """As the test said."""
        return "is_stalled" in self.ailments

    def is_late(self, seconds: float) -> bool:
        """As the test said."""
        return "is_late" in self.ailments

    def resists_timeout(self, job_id: int, grace_seconds: float) -> bool:
        """As the test said."""
        return "resists_timeout" in self.ailments

    def exit_reason(self) -> ExitReason:
        """Stopped if it was stopped, else died."""
        return ExitReason(self.reason, "as the test said")

    def close(self) -> None:
        """Close what it has opened."""
        self.channel.close()
        self.worker.close()
        self.scoreboard.close()


class StubLauncher:
    """Registers and spawns such children.

    Attributes:
        registrations: Answers the registrations that wait, in order, with `answer`.
        children: Every child, also the ones that ended.
        writes: What it would write to the database, in order.
    """

    def __init__(self, clock: Clock = MONOTONIC) -> None:
        self.registrations: list[Callable[[int], None]] = []
        self.children: list[StubChild] = []
        self.writes: list[tuple[str, object]] = []
        self._clock = clock
        self._worker_count = 0

    def register(self, pool: WorkerPool, then: Callable[[int], None]) -> None:
        """Note the registration of a worker."""
        self.writes.append(("register", pool.kind))
        self.registrations.append(then)

    def answer(self) -> None:
        """Answer all registrations."""
        registrations, self.registrations = self.registrations, []
        for then in registrations:
            self._worker_count += 1
            then(self._worker_count)

    def spawn(self, pool: WorkerPool, worker_id: int) -> StubChild:
        """A new child."""
        self.children.append(StubChild(worker_id, pool, self._clock))
        return self.children[-1]

    def record_unstarted(self, worker_ids: Iterable[int]) -> None:
        """Note workers that have a row and no process."""
        self.writes.append(("unstarted", sorted(worker_ids)))

    def record_end(
        self, worker_id: int, cause: ExitReason, started_job_ids: Collection[int] | None
    ) -> None:
        """Note the end of a worker."""
        self.writes.append((cause.reason, worker_id))

    def close(self) -> None:
        """Close the children that a test left open."""
        for child in self.children:
            if not child.has_ended:
                child.close()


def pool_of(executor: str) -> WorkerPool:
    """A pool of one worker."""
    return WorkerPool(WorkerKind(executor), processes=1, slots=1, prefetch_max=0)
