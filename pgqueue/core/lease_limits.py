"""When a lease that cannot be renewed ends the jobs under it, by the monotonic clock of their host.

Other supervisors expire a lease when it has ended by PostgreSQL's clock. A host without a network
never hears of that, so its jobs have to stop earlier: else they would run beside their second
attempts for as long as the host is cut off.
"""

from typing import NamedTuple

_MARGIN_SECONDS_MAX = 5.0
_MARGIN_SHARE = 1 / 6


class LeaseLimits(NamedTuple):
    """The limits of a lease that is not renewed; all of them lie before its end.

    Attributes:
        interrupt_seconds: Since the last renewal was sent: running jobs are interrupted, and none
            starts.
        kill_seconds: Since the interruption: the supervisor kills a worker in which a job goes on.
        exit_seconds: Since the interruption: such a worker ends itself, as its supervisor may be
            frozen.
    """

    interrupt_seconds: float
    kill_seconds: float
    exit_seconds: float


def lease_limits(lease_seconds: float) -> LeaseLimits:
    """The limits of a lease: it stops a sixth of its time before its end, 5 s at most."""
    margin = min(_MARGIN_SECONDS_MAX, lease_seconds * _MARGIN_SHARE)
    return LeaseLimits(lease_seconds - margin, margin / 2, margin * 3 / 4)


def idle_heartbeat_seconds(lease_seconds: float, heartbeat_seconds: float) -> float:
    """Between two renewals of a supervisor without a job: twice as long as with one.

    A job that starts later has two thirds of the lease at least.
    """
    return min(2.0 * heartbeat_seconds, max(heartbeat_seconds, lease_seconds / 3))


def listed_seconds(lease_seconds: float, heartbeat_seconds: float) -> float:
    """How long a supervisor counts as live after a renewal, for notifications and for turns.

    A renewal may be late, but one that ended takes no notifications for longer than that.
    """
    return min(lease_seconds, 2.5 * idle_heartbeat_seconds(lease_seconds, heartbeat_seconds))
