"""The end of a supervisor: its workers stop within a grace, and its last writes are made."""

import time

from pgqueue.core.clock import MONOTONIC, Clock, Timer
from pgqueue.core.events.event import emit
from pgqueue.core.events.workers import SupervisorStopping
from pgqueue.process.child import UNWIND_SECONDS
from pgqueue.process.fleet import Fleet
from pgqueue.process.reactor import Reactor
from pgqueue.process.worker_registry import WorkerRegistry

_LAST_WRITES_SECONDS = 10.0
_LAST_WRITES_POLL_SECONDS = 0.05


class Shutdown:
    """The end of one supervisor; its main thread owns it.

    Args:
        grace_seconds: How long running jobs may go on, unless `begin` is called with another grace.

    Attributes:
        exit_code: The code that the supervisor exits with.
    """

    def __init__(
        self,
        fleet: Fleet,
        reactor: Reactor,
        *,
        supervisor_id: int,
        grace_seconds: float,
        clock: Clock = MONOTONIC,
    ) -> None:
        self.exit_code = 0
        self._fleet = fleet
        self._reactor = reactor
        self._supervisor_id = supervisor_id
        self._grace_seconds = grace_seconds
        self._clock = clock
        self._end: Timer | None = None

    @property
    def has_begun(self) -> bool:
        """Whether the workers were stopped."""
        return self._end is not None

    @property
    def is_over(self) -> bool:
        """Whether all workers have ended."""
        if self._end is None or self._fleet.children:
            return False
        # The database may never answer a registration. If it was done all the same, the lease of
        # the row expires.
        return not self._fleet.is_starting or self._end.is_due

    def begin(self, grace_seconds: float | None = None) -> None:
        """Stop all workers; once more to shorten the grace.

        Args:
            grace_seconds: How long running jobs may go on; None for the grace of the settings.
        """
        grace = self._grace_seconds if grace_seconds is None else grace_seconds
        end = Timer(self._clock, seconds=grace + UNWIND_SECONDS)
        if self._end is not None and end.due_at >= self._end.due_at:
            return
        self._end = end
        self._fleet.want_none()
        self._fleet.reconcile(grace)
        # The reactor would wait for ever where no worker is left to end and none is registered.
        self._reactor.call_later(grace + UNWIND_SECONDS, lambda: None)
        emit(SupervisorStopping(supervisor_id=self._supervisor_id, grace_seconds=grace))

    def stop_signalled(self) -> None:
        """A stop signal: the first one leaves the grace, the second one ends it."""
        self.begin(0.0 if self.has_begun else None)

    def write_last(self, registry: WorkerRegistry) -> None:
        """Wait until the ends of the workers are written, 10 s at most, and stop the registry.

        A row without its end would keep the worker's jobs until its lease expires.
        """
        until = Timer(self._clock, seconds=_LAST_WRITES_SECONDS)
        while registry.has_pending and not until.is_due:
            time.sleep(_LAST_WRITES_POLL_SECONDS)
        registry.stop()
