"""The rows of supervisors: one for each, from its start until a week after its end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pgqueue.core.identity import random_id
from pgqueue.core.queue_pattern import split_patterns
from pgqueue.store.statement import Row, Statement, count, first_value, only_value

# Every enqueue compares its queue with all queues of every supervisor.
_QUEUES_MAX = 100


@dataclass(frozen=True, slots=True)
class SupervisorIdentity:
    """The part of a supervisor's row that is known at its start.

    Attributes:
        queues: A trailing `/` stands for all sub-queues. More than a hundred are recorded as all
            queues.
        slots: Jobs that its workers run at once.
    """

    host: str
    pid: int
    version: str
    queues: Sequence[str]
    slots: int

    def columns(self) -> dict[str, object]:
        """The values of the row's columns, by name."""
        is_long = len(self.queues) > _QUEUES_MAX
        names, prefixes = ([], [""]) if is_long else split_patterns(self.queues)
        return {
            "host": self.host,
            "pid": self.pid,
            "version": self.version,
            "queues": names,
            "prefixes": prefixes,
            "slots": self.slots,
        }


def register_supervisor(identity: SupervisorIdentity) -> Statement[int | None]:
    """Add a supervisor that starts, under a random id; returns the id, None when it is in use."""
    params = {**identity.columns(), "supervisor_id": random_id()}
    return Statement("register_supervisor", params, first_value)


def announce(
    supervisor_id: int, identity: SupervisorIdentity, *, wants_notify: bool, seconds: float
) -> Statement[int]:
    """Announce whether producers are to notify a supervisor; a row that was lost is added again.

    Returns how many supervisors have a queue in common with this one, which is counted too.

    Args:
        seconds: How long the announcement counts, unless another one follows.
    """
    params = {
        **identity.columns(),
        "supervisor_id": supervisor_id,
        "wants_notify": wants_notify,
        "seconds": seconds,
    }
    return Statement("announce_supervisor", params, only_value)


@dataclass(frozen=True, slots=True)
class Renewal:
    """The answer to a renewal.

    Attributes:
        renewed_ids: The workers that live. The lease of a worker that is missing has expired.
        foreign_ids: Live workers with this supervisor's id that it did not register.
    """

    renewed_ids: frozenset[int]
    foreign_ids: frozenset[int]


def renew(
    supervisor_id: int,
    worker_ids: Iterable[int],
    lease_seconds: float,
    *,
    slots: int = 0,
    busy_slots: int = 0,
    run_seconds: float | None = None,
) -> Statement[Renewal]:
    """Renew the leases of a supervisor's workers.

    Args:
        worker_ids: The workers that it registered and that have not ended.
        slots: Jobs that its workers run at once.
        busy_slots: Jobs that its workers run now.
        run_seconds: Average length of recent runs; None without any.
    """
    params = {
        "supervisor_id": supervisor_id,
        "worker_ids": list(worker_ids),
        "lease_seconds": lease_seconds,
        "slots": slots,
        "busy_slots": busy_slots,
        "run_seconds": run_seconds,
    }
    return Statement("renew_leases", params, _renewal)


def _renewal(rows: Sequence[Row]) -> Renewal:
    return Renewal(
        frozenset(worker_id for worker_id, is_own in rows if is_own),
        frozenset(worker_id for worker_id, is_own in rows if not is_own),
    )


def stop(supervisor_id: int) -> Statement[int]:
    """Record that a supervisor has stopped in order; returns 0 when that is recorded already."""
    return Statement("stop_supervisor", {"supervisor_id": supervisor_id}, count)
