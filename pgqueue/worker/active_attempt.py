"""One claimed attempt in this worker, from its claim until its outcome is recorded."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from pgqueue.store.claims import AttemptKey, ClaimedAttempt
from pgqueue.tasks.task import Task

NO_WORKER: Final = 0
"""The worker's id of an attempt for which nothing may be written."""


class Receipt(NamedTuple):
    """When the answer to a claim arrived; all attempts of one claim share it.

    Attributes:
        received_at: Monotonic time of the answer.
        reclaim_count: The scoreboard's count of reclaims before the claim was sent. An attempt
            that was claimed before another reclaim is not started: it may run elsewhere.
    """

    received_at: float
    reclaim_count: int = 0


@dataclass(slots=True)
class Interruption:
    """An error that was raised into a task from outside. Only the main thread writes it.

    Attributes:
        error: The first error that was raised; the attempt ends for that reason.
        stack: Where the task stood then.
        raised_at: Monotonic time at which an error was raised last.
    """

    error: BaseException
    stack: str
    raised_at: float


class ActiveAttempt:
    """One attempt that this worker owns.

    The fetcher writes `claimed`, `key` and `receipt`; the main thread removes large arguments at
    the end. Every other field names the thread that writes it. "Main thread" includes the greenlets
    and coroutines that run there.

    Attributes:
        key: Tells the attempt apart from every other attempt of this worker.
        task: None while the task's module is not imported. Fetcher, then main thread.
        started_at: Monotonic time of the true start; None before. Main thread.
        deadline: Monotonic time at which JobTimeout is raised; None for never. Main thread.
        slot: Its place on the scoreboard; 0 before the start, -1 where none was free. Main thread.
        is_interruptible: Whether the task's own code runs, so that an error may be raised in it.
            Main thread.
        interruption: The error that was raised into it; None for none. Main thread.
        ended_at: Monotonic time from which nothing of it runs any more; None before. Main
            thread, or the fetcher for an attempt that never starts.
        is_completed: Whether the task settled itself in its own transaction. The task's thread.
        is_revoked: Whether it must not start, as another worker owns it or this worker stops.
            Any thread, and only from False to True.
    """

    __slots__ = (
        "claimed",
        "deadline",
        "ended_at",
        "interruption",
        "is_completed",
        "is_interruptible",
        "is_revoked",
        "key",
        "receipt",
        "slot",
        "started_at",
        "task",
    )

    def __init__(
        self, claimed: ClaimedAttempt, task: Task[..., Any] | None, receipt: Receipt
    ) -> None:
        self.claimed = claimed
        self.key: AttemptKey = (claimed.id, claimed.attempt)
        self.task = task
        self.receipt = receipt
        self.started_at: float | None = None
        self.deadline: float | None = None
        self.slot = 0
        self.is_interruptible = False
        self.interruption: Interruption | None = None
        self.ended_at: float | None = None
        self.is_completed = False
        self.is_revoked = False

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it runs any more; its outcome may not be recorded yet."""
        return self.ended_at is not None

    @property
    def is_over(self) -> bool:
        """Whether it ended, or settled itself."""
        return self.ended_at is not None or self.is_completed

    @property
    def waited_seconds(self) -> float | None:
        """From the claim to the true start; None when it never started."""
        started_at = self.started_at
        return None if started_at is None else started_at - self.receipt.received_at

    @property
    def run_seconds(self) -> float | None:
        """From the true start to the end; None when it never started or did not end yet."""
        if self.started_at is None or self.ended_at is None:
            return None
        return self.ended_at - self.started_at

    def start(self, now: float) -> None:
        """Record the true start; the timeout counts from it."""
        self.started_at = now
        if self.claimed.timeout_seconds is not None:
            self.deadline = now + self.claimed.timeout_seconds

    def end(self, now: float) -> None:
        """Record that nothing of it runs any more."""
        self.ended_at = now

    def complete(self) -> None:
        """Record that the task settled itself in its own transaction."""
        self.is_completed = True

    def revoke(self) -> None:
        """Forbid its start."""
        self.is_revoked = True

    def disown(self, key: AttemptKey) -> None:
        """Let nothing be written for it from now on, and take a key that no row has.

        The fence of every write compares the worker's id, and no worker has the id 0.
        """
        self.key = key
        self.claimed = self.claimed._replace(worker_id=NO_WORKER)

    def interrupt(self, error: BaseException, now: float, stack: Callable[[], str]) -> None:
        """Record an error that is raised into it; the first error stays the reason of its end."""
        if self.interruption is None:
            self.interruption = Interruption(error, stack(), now)
        else:
            self.interruption.raised_at = now


Run = tuple[ActiveAttempt, ...]
"""The attempts that one call of a task takes: what an executor runs at once. Today always one."""
