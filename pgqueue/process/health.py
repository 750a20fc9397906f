"""Finds the children that no longer work as they should, and stops or kills them."""

from collections.abc import Callable

from pgqueue.core.clock import MONOTONIC, Clock
from pgqueue.core.events.event import emit
from pgqueue.core.events.workers import WorkerBlocked, WorkerRetired
from pgqueue.core.lease_limits import lease_limits
from pgqueue.core.settings import Settings
from pgqueue.process.blocked_thread import Reclaim
from pgqueue.process.child import Child
from pgqueue.process.fleet import Fleet
from pgqueue.process.reactor import Reactor
from pgqueue.store.workers import OverdueJob

# Longer than a turn of a claim loop whose database answers as late as it may: a connection, a
# reconciliation and a claim take a minute and a half.
_STALLED_SECONDS = 120.0

# For modules that take long to import.
_LOADING_SECONDS = 600.0

# A child claims nothing during a reclaim, so the end of the blocking job is to be seen soon.
_BLOCKED_CHECK_SECONDS = 1.0
_RECLAIM_CHECK_SECONDS = 0.2

_LEASE_EXPIRED = "lease_expired"
"""The stop reason of a worker whose jobs may run elsewhere by now."""


class Health:
    """Checks the children of a fleet, on the supervisor's main thread.

    Args:
        on_reclaim: Called with jobs to return to the queue, because they wait behind a job that
            blocks its worker's main thread.
    """

    def __init__(
        self,
        fleet: Fleet,
        reactor: Reactor,
        settings: Settings,
        *,
        on_reclaim: Callable[[Reclaim], None],
        clock: Clock = MONOTONIC,
    ) -> None:
        self._fleet = fleet
        self._reactor = reactor
        self._settings = settings
        self._on_reclaim = on_reclaim
        self._clock = clock

    def check_leases(self, expired_ids: set[int], renewed_at: float) -> None:
        """Kill the children whose leases have expired, extend the others, and check each child.

        Args:
            renewed_at: The monotonic time at which the renewal was sent.
        """
        children = self._fleet.children
        lease_seconds = self._settings.lease_seconds
        for worker_id in set(children) - expired_ids:
            children[worker_id].extend_lease(renewed_at, lease_seconds)
        limits = lease_limits(lease_seconds)
        kill_at = renewed_at + limits.interrupt_seconds + limits.kill_seconds
        self._reactor.call_later(kill_at - self._clock.monotonic(), self.check_unrenewed)
        for worker_id in expired_ids & set(children):
            # Its jobs belong to other workers by now.
            children[worker_id].kill(_LEASE_EXPIRED, "its lease had expired")
        for child in children.values():
            # A renewed lease would keep its jobs from workers that can run them.
            if child.process.is_frozen(self._settings.lease_seconds):
                child.kill(_LEASE_EXPIRED, "was frozen for as long as a lease")
            if child.is_stalled(_STALLED_SECONDS):
                self._retire(child, "its claim loop stood still")
            if child.is_late(_LOADING_SECONDS):
                self._retire(child, "its tasks were not loaded in time")

    def check_unrenewed(self) -> None:
        """Kill the children in which jobs go on though their lease is not renewed in time.

        Other supervisors may start second attempts of these jobs soon.
        """
        for child in self._fleet.children.values():
            if child.outlives_lease(self._settings.lease_seconds):
                child.kill("stopped", "its lease could not be renewed, and a job went on")

    def end_overdue(self, overdue: OverdueJob) -> None:
        """Kill the worker of a job that resists its timeout."""
        child = self._fleet.children.get(overdue.worker_id)
        grace_seconds = self._settings.timeout_grace_seconds
        if child and child.resists_timeout(overdue.job_id, grace_seconds):
            detail = f"job {overdue.job_id} was {overdue.overdue_seconds:.1f} s past its deadline"
            child.kill("overdue", detail, overdue.job_id)

    def check_blocked_threads(self) -> None:
        """Check the main threads of all children, now and regularly from now on."""
        self.check_unrenewed()
        pause = _BLOCKED_CHECK_SECONDS
        for child in self._fleet.children.values():
            if reclaim := child.blocked_thread.check():
                self._on_reclaim(reclaim)
            if child.blocked_thread.is_reclaiming:
                pause = _RECLAIM_CHECK_SECONDS
            job_id = child.blocked_thread.new_blocking_job_id()
            if job_id is not None and child.kind.executor != "process":
                emit(WorkerBlocked(worker_id=child.worker_id, job_id=job_id))
        self._reactor.call_later(pause, self.check_blocked_threads)

    def _retire(self, child: Child, detail: str) -> None:
        self._fleet.stop(child, self._settings.grace_seconds, detail)
        emit(WorkerRetired(worker_id=child.worker_id, reason=detail))
