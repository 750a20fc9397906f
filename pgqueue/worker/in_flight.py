"""The attempts this worker has in hand, from the claim until they are settled.

The meeting place of the fetcher (which asks for room), the runners (which take the next) and
the finisher (which gives room back). Counts only; decides nothing about a job.
"""

import queue
import time
from collections.abc import Callable, Iterable
from typing import Any

from pgqueue.process.scoreboard import Scoreboard
from pgqueue.store.claims import AttemptKey, ClaimedAttempt
from pgqueue.tasks.task import Task

# A prefetch is worth its risk (a job in hand that does not run, and that one of a higher priority
# comes after) only while it is short: what lies ahead of the slots is work of so long at the most.
_PREFETCH_SECONDS = 0.05

# While somebody has the main thread for longer, what is claimed could not be started.
_BLOCKED_SECONDS = 1.0

# Weight of the newest run in the moving average of run seconds.
_NEWEST_WEIGHT = 0.1


class ActiveAttempt:
    """One attempt in hand.

    Attributes:
        started_at: Monotonic time of the true start; None before.
        deadline: Monotonic time when JobTimeout is raised in it (again); None for never.
        is_completed: Whether the task settled itself, in a transaction of its own.
        is_revoked: Whether it is to be handed back instead: it is another worker's by now,
            or this one stops.
        is_interruptible: Whether the task's own code runs, so that an error may be raised in it.
        slot: Where the scoreboard tells of it; 0 before its start.
        reclaim_count: The scoreboard's count of recalls before it was claimed.
        raised: What was raised into the task from outside, the first time.
        raised_at: Monotonic time when something was raised last.
        stack: Where the task stood then.
        runner: What runs it: a greenlet or an asyncio task; None where a process does.
        task: Its task; None while its module is not imported.
        token: What tells it apart from every other attempt of this worker.
    """

    __slots__ = (
        "claimed",
        "deadline",
        "has_ended",
        "is_completed",
        "is_interruptible",
        "is_revoked",
        "line_bytes",
        "line_count",
        "lines_dropped",
        "raised",
        "raised_at",
        "received_at",
        "reclaim_count",
        "runner",
        "slot",
        "stack",
        "started_at",
        "task",
        "token",
    )

    def __init__(
        self, claimed: ClaimedAttempt, task: Task[..., Any] | None, received_at: float
    ) -> None:
        self.claimed = claimed
        self.token: AttemptKey = (claimed.id, claimed.attempt)
        self.task = task
        self.received_at = received_at
        self.started_at: float | None = None
        self.deadline: float | None = None
        self.is_interruptible = False
        self.has_ended = False
        self.is_completed = False
        self.is_revoked = False
        self.raised: BaseException | None = None
        self.raised_at: float | None = None
        self.stack = ""
        self.slot = 0
        self.reclaim_count = 0
        self.runner: object = None
        self.line_count = 0
        self.line_bytes = 0
        self.lines_dropped = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be run of it; it may wait to be settled."""
        return self.has_ended or self.is_completed

    @property
    def waited_seconds(self) -> float | None:
        """From the claim to the true start; None when it was never started."""
        return None if self.started_at is None else self.started_at - self.received_at

    def start(self) -> None:
        """Note the true start: the timeout counts from here."""
        self.started_at = time.monotonic()
        if self.claimed.timeout_seconds is not None:
            self.deadline = self.started_at + self.claimed.timeout_seconds


class InFlight:
    """Everything in hand: waiting for a slot, running, or waiting to be settled.

    Args:
        slots: How many attempts run at once.
        prefetch_max: How many more may wait in hand for a slot, while runs are short.
        settling_max: Above this many unsettled attempts nothing is claimed.
        board: Told what was started, until it is settled.
    """

    def __init__(
        self, *, slots: int, prefetch_max: int, settling_max: int, scoreboard: Scoreboard
    ) -> None:
        self.slots = slots
        self.waiting = queue.SimpleQueue[ActiveAttempt | None]()
        self.on_room: Callable[[], None] = lambda: None
        self._prefetch_max = prefetch_max
        self._settling_max = settling_max
        self._scoreboard = scoreboard
        self._in_hand: dict[AttemptKey, ActiveAttempt] = {}
        self._taken = 0
        self._ended = 0
        self._run_seconds: float | None = None

    def __len__(self) -> int:
        return len(self._in_hand)

    def find(self, token: AttemptKey) -> ActiveAttempt | None:
        """The attempt with that token, when it is in hand."""
        return self._in_hand.get(token)

    def all(self) -> list[ActiveAttempt]:
        """Every attempt in hand."""
        return list(self._in_hand.values())

    # For the fetcher.

    def turned(self) -> None:
        """The fetcher takes another turn."""
        self._scoreboard.record_turn()

    def set_waiting(self, waits: bool) -> None:
        """Whether the fetcher found nothing more, or goes on by itself."""
        self._scoreboard.set_waiting(waits)

    @property
    def prefetch(self) -> int:
        """How many attempts may wait in hand beyond the slots; 0 unless recent runs were short."""
        average = self._run_seconds
        if average is None or average > _PREFETCH_SECONDS:
            return 0
        return min(self._prefetch_max, int(self.slots * _PREFETCH_SECONDS / max(average, 1e-5)))

    def room(self) -> tuple[int, int]:
        """How many to claim now, and how many of them can start at once."""
        unsettled = len(self._in_hand) - self.waiting.qsize() - self._busy
        if unsettled > self._settling_max or self._scoreboard.blocking_job_id(_BLOCKED_SECONDS):
            return 0, 0
        occupied = self._busy + self.waiting.qsize()
        free = max(0, self.slots - occupied)
        wanted = self.slots + self.prefetch - occupied
        # A refill waits until half of the prefetch is used up, so that claims are few and
        # large; a free slot never waits.
        if free == 0 and wanted < self.prefetch / 2:
            return 0, 0
        return max(0, wanted), free

    @property
    def reclaim_count(self) -> int:
        """How many recalls have begun or ended; odd while one is under way."""
        return self._scoreboard.reclaim_count

    def take_in(self, arrived: Iterable[ActiveAttempt], reclaim_count: int) -> None:
        """Put claimed attempts in hand, in the order they are to start.

        Args:
            recalls: How many there were before the claim was sent: what was claimed before
                another one is not started here, because it may run elsewhere by then.
        """
        for attempt in arrived:
            attempt.reclaim_count = reclaim_count
            self._in_hand[attempt.token] = attempt
            self.waiting.put(attempt)

    def take_in_unrun(self, attempt: ActiveAttempt) -> None:
        """Put a claimed attempt in hand that is to be handed back."""
        self._in_hand[attempt.token] = attempt

    def take_out_waiting(self, *, waited_seconds: float = 0.0) -> list[ActiveAttempt]:
        """Take back every attempt that no runner took, if the first waited that long."""
        out: list[ActiveAttempt] = []
        # What is handed back already, and could not be settled yet, waits for no runner.
        unstarted = (
            attempt
            for attempt in self.all()
            if attempt.started_at is None and not attempt.has_ended
        )
        oldest = min((attempt.received_at for attempt in unstarted), default=None)
        if oldest is None or time.monotonic() - oldest < waited_seconds:
            return out
        while True:
            try:
                attempt = self.waiting.get_nowait()
            except queue.Empty:
                return out
            if attempt is not None:
                out.append(attempt)

    # For the runners.

    @property
    def _busy(self) -> int:
        return self._taken - self._ended

    def take_next(self, *, wait: bool = True) -> ActiveAttempt | None:
        """Take the next one, and its slot; None at the end, and without *wait* where none waits."""
        try:
            attempt = self.waiting.get(block=wait)
        except queue.Empty:
            return None
        if attempt is not None:
            self._taken += 1
        return attempt

    def started(self, attempt: ActiveAttempt) -> None:
        """Its runner begins."""
        attempt.start()
        attempt.slot = self._scoreboard.add(attempt.claimed.id, attempt.deadline)
        if attempt.reclaim_count != self._scoreboard.reclaim_count:
            attempt.is_revoked = True
        self.show(attempt)

    def show(self, attempt: ActiveAttempt | None) -> None:
        """It has the main thread from now on; None: nobody has."""
        self._scoreboard.set_running(attempt.slot if attempt is not None else 0)

    def ended(self, attempt: ActiveAttempt) -> None:
        """Its runner is free again; it is not settled yet."""
        self._ended += 1
        attempt.has_ended = True
        self._scoreboard.finish(attempt.slot)
        self.show(None)
        if attempt.started_at is not None and not attempt.is_revoked:
            seconds = time.monotonic() - attempt.started_at
            average = self._run_seconds
            self._run_seconds = (
                seconds if average is None else average + _NEWEST_WEIGHT * (seconds - average)
            )
        self.on_room()

    # For the finisher.

    def settled(self, token: AttemptKey) -> None:
        """It is out of hand."""
        attempt = self._in_hand.pop(token, None)
        if attempt is not None:
            self._scoreboard.remove(attempt.slot)
        if len(self._in_hand) >= self._settling_max:
            self.on_room()  # else its slot is free since it ended
