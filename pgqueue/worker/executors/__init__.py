"""Three ways to run attempts, one for each kind of child; all are an `Executor`."""

from types import FrameType
from typing import Protocol

from pgqueue.worker.active_attempt import ActiveAttempt, Run


class Executor(Protocol):
    """Runs the attempts that wait in `InFlight`, on the main thread."""

    def serve(self) -> None:
        """Run what arrives until `close`; blocks the main thread."""

    def wake(self) -> None:
        """Start runs that wait, while slots are free; safe on any thread."""

    def close(self) -> None:
        """Let `serve` return; safe on any thread."""

    def stop_others(self) -> None:
        """In a fork, keep all that shares the main thread with the current code from running."""

    def current(self) -> ActiveAttempt | None:
        """The attempt whose task's code the main thread runs right now; None for none."""

    def throw(self, attempt: ActiveAttempt, error: BaseException) -> None:
        """Raise *error* where the attempt waits; nothing happens if it no longer waits."""

    def frame_of(self, attempt: ActiveAttempt) -> FrameType | None:
        """The frame in which the attempt waits; None where that is unknown."""


def interruptible(run: Run | None) -> ActiveAttempt | None:
    """The attempt of a run whose task's code runs; None for none."""
    return next((attempt for attempt in run or () if attempt.is_interruptible), None)
