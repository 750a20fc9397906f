"""One child process of a supervisor: a worker, from its start to its end.

A fresh interpreter, started by module name, so that the supervisor imports no engine and no
user code, and nothing is inherited by a fork. The child leads a session of its own: a Ctrl-C
in the terminal reaches the supervisor alone, which stops its children in order.
"""

import os
import signal
import sys
import time
from collections.abc import Mapping
from math import inf
from typing import Any

from pgqueue.core.bounded_names import BoundedNames
from pgqueue.process.blocked_thread import BlockedThread
from pgqueue.process.oom import oom_kills
from pgqueue.process.spare_process import SpareProcess
from pgqueue.process.worker_pool import WorkerPool

# Who has the main thread for longer keeps errors from being raised in the jobs beside it.
_BLOCKING_SECONDS = 1.0

_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


class Child:
    """A running worker process.

    Args:
        worker_id: Its row in `workers`, added before the start.
        crew: Which kind of worker it is, and what it may have in hand.
        config: What the worker needs to know, as JSON values; sent over the line, so that
            no password appears among the arguments of a process.
        begun: A process of its kind that waits to be told; else a new one is started.
    """

    def __init__(
        self,
        worker_id: int,
        pool: WorkerPool,
        config: Mapping[str, Any],
        spare: SpareProcess | None = None,
    ) -> None:
        self.worker_id = worker_id
        self.kind = pool.kind
        self.started_at = time.monotonic()
        self.is_ready = False
        self.refusal: tuple[str, int] | None = None
        self.unknown_tasks = BoundedNames()
        self.overdue_job_id: int | None = None
        self._end: tuple[str, str] | None = None
        self._stop_at: float | None = None
        self._bytes_max = 0
        self._frozen_at = inf
        self._blocked_at = -inf
        self._oom_kills = oom_kills()
        spare = spare or SpareProcess(pool.kind.executor)
        self.process, self.channel = spare.process, spare.channel
        self.scoreboard = spare.take(pool.scoreboard_slots)
        # One job at a time on the main thread; the claim loop has another.
        self.blocked_thread = BlockedThread(
            worker_id, self.scoreboard, gives_back=pool.kind.executor == "process"
        )
        self.channel.send("config", **config)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone; reaps it."""
        while self.process.returncode is None:
            # Not poll(): only this call tells what the process used, and when it was frozen.
            pid, status, usage = os.wait4(self.pid, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
            if not pid:
                return False
            if os.WIFSTOPPED(status):
                self._frozen_at = time.monotonic()
            elif os.WIFCONTINUED(status):
                self._frozen_at = inf
            else:
                self.process.returncode = os.waitstatus_to_exitcode(status)
                self._bytes_max = usage.ru_maxrss * _MAXRSS_UNIT
        return True

    def is_frozen(self, seconds: float) -> bool:
        """Whether SIGSTOP, or its like, has held it for so long."""
        return not self.has_ended and time.monotonic() - self._frozen_at >= seconds

    def is_stalled(self, seconds: float) -> bool:
        """Whether it has not looked for work for so long, and no job kept it from that.

        Asked every few seconds: what a job kept it from until the last time counts from then.
        """
        now = time.monotonic()
        if self.scoreboard.blocking(_BLOCKING_SECONDS) is not None:
            self._blocked_at = now
        stalled_seconds = min(self.scoreboard.stalled_seconds(), now - self._blocked_at)
        return self._end is None and stalled_seconds >= seconds

    def is_late(self, seconds: float) -> bool:
        """Whether it has loaded its tasks for so long, and is not ready yet."""
        is_loading = not self.is_ready and self._end is None
        return is_loading and time.monotonic() - self.started_at >= seconds

    def stop(self, grace_seconds: float, detail: str = "told to stop") -> None:
        """Ask it to finish what runs within the grace, hand the rest back, and exit."""
        self._end = self._end or ("stopped", detail)
        self._stop_at = time.monotonic() + grace_seconds
        self.repeat_stop()

    def repeat_stop(self) -> None:
        """Ask again, if the line was full when it was asked to stop."""
        if self._stop_at is not None:
            grace_seconds = max(0.0, self._stop_at - time.monotonic())
            if self.channel.try_send("stop", grace_seconds=grace_seconds):
                self._stop_at = None

    def is_responsible(self, job_id: int, grace_seconds: float) -> bool:
        """Whether a job that is overdue by its row resists its timeout, by what the worker shows.

        It is not while it has not started, or started late; nor while another has the main
        thread, so that nothing can be raised in this one.
        """
        started = self.scoreboard.started()
        if started is None:
            return True
        is_over = started.get(job_id, inf) + grace_seconds <= time.monotonic()
        return is_over and self.scoreboard.blocking(_BLOCKING_SECONDS) in (None, job_id)

    def kill(self, reason: str, detail: str, overdue_job_id: int | None = None) -> None:
        """End the process now; *reason* decides what its end means for its jobs."""
        if self._end is None or self._end[0] != "overdue":
            self._end = (reason, detail)
            self.overdue_job_id = overdue_job_id
        if not self.has_ended:
            os.kill(self.pid, signal.SIGKILL)

    def end(self) -> tuple[str, str]:
        """Why it ended: a reason of `workers.stop_reason`, and the facts for a person."""
        facts = f"process {self.pid} {_describe(self.process.returncode)}"
        if self._end is None:
            if self.process.returncode == -signal.SIGKILL and oom_kills() > self._oom_kills:
                facts += ", as the kernel ran out of memory"
            return "died", f"{facts}; its largest memory was {self._bytes_max / 1e6:,.0f} MB"
        reason, detail = self._end
        return reason, f"{facts}: {detail}"


def _describe(returncode: int | None) -> str:
    if returncode is None:
        return "still runs"
    if returncode >= 0:
        return f"exited with code {returncode}"
    try:
        name = signal.Signals(-returncode).name
    except ValueError:
        name = "unnamed"
    return f"was ended by signal {-returncode} ({name})"
