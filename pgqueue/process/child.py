"""One child process of a supervisor: a worker, from its start to its end.

The child is a fresh interpreter that is started by module name. So the supervisor imports no engine
and no user code, and the child inherits nothing by a fork. The child leads a session of its own: a
Ctrl-C in the terminal reaches only the supervisor, which stops its children in order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any, NamedTuple

from pgqueue.core.bounded_names import BoundedNames
from pgqueue.core.clock import MONOTONIC, Clock, Stopwatch, Timer
from pgqueue.core.events.event import emit
from pgqueue.core.events.workers import WorkerKilled
from pgqueue.core.lease_limits import lease_limits
from pgqueue.process.blocked_thread import BlockedThread
from pgqueue.process.child_process import ChildProcess
from pgqueue.process.counters import Counters
from pgqueue.process.spare_process import SpareProcess
from pgqueue.process.worker_pool import WorkerKind, WorkerPool

UNWIND_SECONDS = 2.0
"""After the grace a worker raises JobInterrupted in the jobs that still run, and gives them so long
to unwind. Then its process is killed, and its row returns its jobs to the queue."""

# A job that has the main thread for longer keeps errors from being raised in the other jobs.
_BLOCKING_SECONDS = 1.0


class ExitReason(NamedTuple):
    """Why a worker ended.

    Attributes:
        reason: One of `workers.stop_reason`; decides what happens to the worker's jobs.
        detail: The facts, for a person.
        overdue_job_id: The job that the worker was killed for.
    """

    reason: str
    detail: str
    overdue_job_id: int | None = None


@dataclass(slots=True)
class ChildReport:
    """The reports of a child, from its channel; the supervisor's main thread writes it.

    Attributes:
        is_ready: Whether its tasks are loaded.
        refusal: Why it cannot start at all, with an exit code.
        unknown_tasks: Names of tasks that it met and does not know.
    """

    is_ready: bool = False
    refusal: tuple[str, int] | None = None
    unknown_tasks: BoundedNames = field(default_factory=BoundedNames)
    counters: Counters = field(default_factory=Counters)


class Child:
    """A running worker process.

    The supervisor's main thread owns it. The dispatcher's thread reads `kind` and
    `scoreboard.is_waiting`; the registry's thread reads `pool` and `counters`.

    Args:
        worker_id: Its row in `workers`, inserted before the start.
        pool: Which kind of worker it is, and how many jobs it may claim.
        config: The worker's configuration, as JSON values. It is sent over the channel, so that no
            password appears among the arguments of a process.
        spare: A started process of its kind; without it a new one is started.
    """

    def __init__(
        self,
        worker_id: int,
        pool: WorkerPool,
        config: Mapping[str, Any],
        spare: SpareProcess | None = None,
        clock: Clock = MONOTONIC,
    ) -> None:
        self.worker_id = worker_id
        self.pool = pool
        self.report = ChildReport()
        self.age = Stopwatch(clock, started=True)
        self._cause: ExitReason | None = None
        self._unsent_stop = Timer(clock, seconds=inf)
        self._unblocked = Stopwatch(clock)
        spare = spare or SpareProcess(pool.kind.executor)
        self.process, self.channel = ChildProcess(spare.process, clock), spare.channel
        self.scoreboard = spare.become_worker(pool.scoreboard_slots, clock)
        # A process worker runs one job at a time on the main thread; its claim loop has another.
        self.blocked_thread = BlockedThread(
            worker_id, self.scoreboard, releases_waiting=pool.kind.executor == "process"
        )
        self.channel.send("config", **config)

    @property
    def kind(self) -> WorkerKind:
        """Which jobs it runs."""
        return self.pool.kind

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def counters(self) -> Counters:
        """Its latest numbers."""
        return self.report.counters

    @property
    def has_ended(self) -> bool:
        """Whether its process has ended; reaps it."""
        return self.process.has_ended

    def is_stalled(self, seconds: float) -> bool:
        """Whether its claim loop has stood still for so long, and no job kept it from a turn.

        To be called every few seconds: after a job that kept it, the seconds count from the last
        call that saw this job.
        """
        if self.scoreboard.blocking_job_id(_BLOCKING_SECONDS) is not None:
            self._unblocked.restart()
        stalled_seconds = min(self.scoreboard.stalled_seconds(), self._unblocked.seconds)
        return self._cause is None and stalled_seconds >= seconds

    def is_late(self, seconds: float) -> bool:
        """Whether it has loaded its tasks for so long, and is not ready yet."""
        is_loading = not self.report.is_ready and self._cause is None
        return is_loading and self.age.seconds >= seconds

    def stop(self, grace_seconds: float, detail: str = "stopped by its supervisor") -> None:
        """Let it finish running jobs within the grace, return the others to the queue, and exit."""
        self._cause = self._cause or ExitReason("stopped", detail)
        self._unsent_stop.start(grace_seconds)
        self.repeat_stop()

    def repeat_stop(self) -> bool:
        """Send the stop again if its channel was full before; False if it is still full."""
        if self._unsent_stop.is_running and self.channel.try_send(
            "stop", grace_seconds=self._unsent_stop.seconds_left
        ):
            self._unsent_stop.stop()
        return not self._unsent_stop.is_running

    def extend_lease(self, renewed_at: float, lease_seconds: float) -> None:
        """Let its jobs run until shortly before the end of a lease that was renewed then."""
        self.scoreboard.extend_lease(renewed_at + lease_limits(lease_seconds).interrupt_seconds)

    def outlives_lease(self, lease_seconds: float) -> bool:
        """Whether a job goes on although the lease was not renewed in time."""
        seconds = self.scoreboard.seconds_past(self.scoreboard.interrupt_at)
        return seconds >= lease_limits(lease_seconds).kill_seconds and self.scoreboard.has_running

    def resists_timeout(self, job_id: int, grace_seconds: float) -> bool:
        """Whether a job that is overdue by its row is past its deadline here, and the grace.

        It is not before its start, nor when it started late. Nor is it while another job has the
        main thread, so that nothing can be raised in this one.
        """
        started = self.scoreboard.started()
        if started is None:
            return True
        deadline = started.get(job_id, inf)
        is_over = self.scoreboard.seconds_past(deadline) >= grace_seconds
        return is_over and self.scoreboard.blocking_job_id(_BLOCKING_SECONDS) in (None, job_id)

    def kill(self, reason: str, detail: str, overdue_job_id: int | None = None) -> None:
        """Kill its process, unless it has ended; *reason* decides what happens to its jobs."""
        if self.has_ended:
            return
        if self._cause is None or self._cause.reason != "overdue":
            self._cause = ExitReason(reason, detail, overdue_job_id)
        self.process.kill()
        emit(WorkerKilled(worker_id=self.worker_id, reason=detail))

    def exit_reason(self) -> ExitReason:
        """Why it ended."""
        if self._cause is None:
            return ExitReason("died", self.process.death_facts)
        detail = f"{self.process.exit_facts}: {self._cause.detail}"
        return self._cause._replace(detail=detail)

    def close(self) -> None:
        """Release what this process has of an ended child; an active reclaim ends."""
        self.channel.close()
        self.blocked_thread.end_reclaim()
        self.scoreboard.close()
