"""All attempts that this worker owns, from the claim until their outcomes are recorded.

The fetcher reads here how many jobs it may claim. Runners take the next run here, and the
finisher removes what it has settled. This module counts; it decides nothing about a job.
"""

import queue
from collections.abc import Callable, Iterable
from math import inf

from pgqueue.core.clock import MONOTONIC, Clock
from pgqueue.process.scoreboard import Scoreboard
from pgqueue.store.claims import AttemptKey
from pgqueue.worker.active_attempt import ActiveAttempt, Run
from pgqueue.worker.attempts_by_key import AttemptsByKey
from pgqueue.worker.prefetch import Prefetch

# Characters of results and tracebacks that wait to be recorded, above which nothing is claimed.
_UNSETTLED_BYTES_MAX = 32 * 1024 * 1024

# Longer arguments are not kept in memory while their attempt waits to be settled.
_ARGS_KEPT_MAX = 4096

# A claimed job could not start while another job keeps the main thread for longer than this.
_BLOCKED_SECONDS = 1.0


class UnsettledBytes:
    """The characters of results and tracebacks that wait to be recorded.

    Attributes:
        _ended: Of the settlements of all attempts that ended. Main thread.
        _settled: Of those that were recorded. Finisher.
    """

    __slots__ = ("_ended", "_settled")

    def __init__(self) -> None:
        self._ended = 0
        self._settled = 0

    def add(self, size: int) -> None:
        """A large settlement waits to be recorded."""
        self._ended += size

    def remove(self, size: int) -> None:
        """It was recorded."""
        self._settled += size

    @property
    def are_too_many(self) -> bool:
        """Whether nothing may be claimed."""
        return self._ended - self._settled > _UNSETTLED_BYTES_MAX


class InFlight:
    """Every active attempt: waiting for a slot, running, or waiting to be settled.

    Args:
        slots: How many attempts run at once.
        prefetch_max: How many more attempts may wait for a slot, while runs are short.
        settling_max: The fetcher claims nothing while more unsettled attempts than this wait.
        scoreboard: Shows the supervisor each started job until it is settled.

    Attributes:
        waiting: Runs that no runner has taken. The fetcher puts, the main thread gets; both
            sides are safe on any thread.
        on_free_capacity: Called when an ended or settled attempt may allow another claim.
            Set once, before anything runs.
        prefetch: How many attempts may wait for a slot, and for how long.
        unsettled_bytes: Of the attempts that wait to be settled.
        attempts: Every attempt by key. The fetcher adds, the finisher discards.
        _added_count: Attempts that were added for a slot, without the ones that were removed
            before they got one. The fetcher's thread.
        _taken_count: Attempts that runners took. Main thread.
        _refill_at: How many attempts wait or run when the next claim is due. Any thread.
    """

    def __init__(
        self,
        *,
        slots: int,
        prefetch_max: int,
        settling_max: int,
        scoreboard: Scoreboard,
        clock: Clock = MONOTONIC,
    ) -> None:
        self.slots = slots
        self.waiting = queue.SimpleQueue[Run | None]()
        self.on_free_capacity: Callable[[], None] = lambda: None
        self.prefetch = Prefetch(prefetch_max, clock=clock)
        self.unsettled_bytes = UnsettledBytes()
        self._settling_max = settling_max
        self._scoreboard = scoreboard
        self._clock = clock
        self.attempts = AttemptsByKey()
        self._added_count = 0
        self._taken_count = 0
        self._refill_at = inf

    def __len__(self) -> int:
        return len(self.attempts)

    def find(self, key: AttemptKey) -> ActiveAttempt | None:
        """The active attempt with that key; None when there is none."""
        return self.attempts.get(key)

    def all(self) -> list[ActiveAttempt]:
        """Every active attempt."""
        return list(self.attempts.values())

    @property
    def busy_slots(self) -> int:
        """How many slots are taken, one by each attempt that a runner has."""
        return self._taken_count - self.prefetch.ended_count

    @property
    def is_lease_over(self) -> bool:
        """Whether no job may run, as the lease was not renewed in time."""
        return self._clock.monotonic() >= self._scoreboard.interrupt_at

    # For the fetcher.

    def begin_turn(self) -> None:
        """Show the supervisor that the fetcher takes another turn."""
        self._scoreboard.record_turn()
        self.prefetch.begin_turn(self._taken_count)

    @property
    def return_in_seconds(self) -> float:
        """The seconds until the waiting attempts return to the queue; `inf` if none waits."""
        waiting = self._added_count - self._taken_count
        if waiting <= 0:
            return inf
        free = self.slots - self.busy_slots
        return self.prefetch.return_in_seconds(waiting - free)

    def set_waiting(self, waits: bool) -> None:
        """Show the supervisor whether the fetcher claims nothing until it is woken."""
        self._scoreboard.set_waiting(waits)

    def free_capacity(self) -> tuple[int, int]:
        """How many jobs to claim now, and how many of them can start at once."""
        # Attempts that wait or run. An attempt counts all the time from `add` until its end, also
        # while a runner takes it on another thread.
        occupied = self._added_count - self.prefetch.ended_count
        prefetch = self.prefetch.limit(self.slots, occupied)
        # A refill waits until half of the prefetch is used up, so that claims are few and
        # large. A free slot never waits.
        self._refill_at = self.slots + prefetch / 2
        if not self.may_need_refill:
            return 0, 0
        unsettled = len(self.attempts) - occupied
        if (
            unsettled > self._settling_max
            or self.unsettled_bytes.are_too_many
            or self._scoreboard.blocking_job_id(_BLOCKED_SECONDS)
            or self.is_lease_over  # claimed jobs could not start
        ):
            return 0, 0
        return max(0, self.slots + prefetch - occupied), max(0, self.slots - occupied)

    @property
    def may_need_refill(self) -> bool:
        """Whether so few attempts wait that there may be free capacity; read for each end.

        The prefetch is the one of the last `free_capacity`.
        """
        return self._added_count - self.prefetch.ended_count <= self._refill_at

    @property
    def reclaim_count(self) -> int:
        """How many reclaims have started or ended; odd while a reclaim is under way."""
        return self._scoreboard.reclaim_count

    def add(self, attempts: Iterable[ActiveAttempt]) -> None:
        """Add claimed attempts, in the order in which they start."""
        args_bytes = 0
        for attempt in attempts:
            self.attempts[attempt.key] = attempt
            self._added_count += 1
            args_bytes += len(attempt.claimed.args)
            self.waiting.put((attempt,))
        self.prefetch.add(self._added_count, args_bytes)

    def add_unstartable(self, attempt: ActiveAttempt) -> None:
        """Add a claimed attempt that returns to the queue without a start."""
        self.attempts[attempt.key] = attempt

    def remove_waiting(self) -> list[ActiveAttempt]:
        """Remove and return all attempts that wait for a slot."""
        removed: list[ActiveAttempt] = []
        self.prefetch.clear()
        while True:
            try:
                run = self.waiting.get_nowait()
            except queue.Empty:
                return removed
            if run is not None:
                self._added_count -= len(run)
                removed += run

    # For the runners.

    def take_next(self, *, wait: bool = True) -> Run | None:
        """Take the next run and a slot; None at the end, and without *wait* where none waits."""
        try:
            run = self.waiting.get(block=wait)
        except queue.Empty:
            return None
        if run is not None:
            self._taken_count += len(run)
        return run

    def start(self, attempt: ActiveAttempt) -> None:
        """Record that a runner starts the attempt."""
        scoreboard = self._scoreboard
        now = self._clock.monotonic()
        attempt.start(now)
        attempt.slot = scoreboard.add(attempt.claimed.id, attempt.deadline)
        if (
            attempt.receipt.reclaim_count != scoreboard.reclaim_count
            or now >= scoreboard.interrupt_at
        ):
            attempt.revoke()
        scoreboard.set_running(attempt.slot)

    def set_running(self, attempt: ActiveAttempt | None) -> None:
        """Show the supervisor which attempt has the main thread now; None for none."""
        self._scoreboard.set_running(attempt.slot if attempt is not None else 0)

    def end(self, attempt: ActiveAttempt) -> None:
        """Record that the attempt's runner is free again; the attempt is not settled yet."""
        now = self._clock.monotonic()
        attempt.end(now)
        if len(attempt.claimed.args) > _ARGS_KEPT_MAX:
            attempt.claimed = attempt.claimed._replace(args="")
        self._scoreboard.finish(attempt.slot)
        self._scoreboard.set_running(0)
        started_at = None if attempt.is_revoked else attempt.started_at
        self.prefetch.record_end(now, None if started_at is None else now - started_at)
        self.on_free_capacity()

    # For the finisher.

    def remove(self, attempt: ActiveAttempt, size: int = 0) -> None:
        """Remove an attempt that is settled, with the size of a large settlement."""
        if self.attempts.discard(attempt):
            self._scoreboard.remove(attempt.slot)
        if size:
            self.unsettled_bytes.remove(size)
        # Below the limit, the attempt made a slot free when it ended, and the fetcher knows.
        if size or len(self.attempts) >= self._settling_max:
            self.on_free_capacity()
