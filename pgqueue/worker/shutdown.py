"""Stops one worker: no further claim, a grace for what runs, an interruption, the end."""

import threading
import time
from math import inf
from typing import Final

from pgqueue.core.clock import MONOTONIC, Clock, Timer
from pgqueue.core.decisions import JobInterrupted
from pgqueue.worker.executors import Executor
from pgqueue.worker.fetcher import Fetcher
from pgqueue.worker.finisher import Finisher
from pgqueue.worker.in_flight import InFlight
from pgqueue.worker.interrupts import Interrupts
from pgqueue.worker.leaving import leave_now

UNWIND_SECONDS: Final = 1.0
"""How long tasks may unwind after JobInterrupted was raised in them. Shorter than the supervisor
waits before it kills, so that a worker ends by itself whenever it can."""

_TICK_SECONDS = 0.05

# How long the main thread may take to end the process when everything is recorded.
_LEAVE_SECONDS = 1.0


class Shutdown:
    """The stop of one worker.

    Args:
        stopping: Set when the worker has to stop.

    Attributes:
        _grace: Due when what runs is interrupted. The thread that calls `stop`.
    """

    def __init__(
        self,
        stopping: threading.Event,
        *,
        in_flight: InFlight,
        fetcher: Fetcher,
        finisher: Finisher,
        executor: Executor,
        interrupts: Interrupts,
        clock: Clock = MONOTONIC,
    ) -> None:
        self._stopping = stopping
        self._in_flight = in_flight
        self._fetcher = fetcher
        self._finisher = finisher
        self._executor = executor
        self._interrupts = interrupts
        self._clock = clock
        self._grace = Timer(clock, seconds=inf)

    def stop(self, grace_seconds: float) -> None:
        """Claim nothing more, and end when what runs has ended, or the grace is over."""
        self._grace.bring_forward(grace_seconds)
        self._fetcher.stop_claiming()
        self._stopping.set()

    def start(self) -> None:
        """Wait for a stop on a thread."""
        threading.Thread(target=self._run, daemon=True, name="shutdown").start()

    def _run(self) -> None:
        self._stopping.wait()
        while self._has_work and not self._grace.is_due:
            time.sleep(_TICK_SECONDS)
        unwind = Timer(self._clock, seconds=UNWIND_SECONDS)
        while self._has_work and not unwind.is_due:
            self._interrupt_all()
            time.sleep(_TICK_SECONDS)
        self._fetcher.stop(timeout=UNWIND_SECONDS)
        self._executor.close()
        if not self._has_work:
            # The main thread ends the process now. It waits too long where jobs have left a thread
            # in an event loop, an open generator, or a function of `atexit` that waits.
            time.sleep(_LEAVE_SECONDS)
        # Or a task resists, and the supervisor returns its job to the queue.
        self._finisher.stop(timeout=UNWIND_SECONDS)
        leave_now(0)

    def _interrupt_all(self) -> None:
        # Called repeatedly, for attempts that were about to start the time before.
        for attempt in self._in_flight.all():
            attempt.revoke()
            if attempt.is_interruptible and self._interrupts.may_request(attempt):
                self._interrupts.request(attempt, _interrupted)

    @property
    def _has_work(self) -> bool:
        return len(self._in_flight) > 0 or not self._finisher.is_idle


def _interrupted() -> BaseException:
    return JobInterrupted("The worker has to stop; the job is queued again.")
