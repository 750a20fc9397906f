"""The rows of supervisors: one for each, from its start until a week after its end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pgqueue.core.identity import random_id
from pgqueue.core.queue_pattern import split_patterns
from pgqueue.store.statement import Row, Statement, count, first_value

# Every enqueue compares its queue with all queues of every supervisor.
_QUEUES_MAX = 100


@dataclass(frozen=True, slots=True)
class SupervisorIdentity:
    """The part of a supervisor's row that is known at its start.

    Attributes:
        queues: A trailing `/` stands for all sub-queues. More than a hundred are recorded as all
            queues.
        slots: Jobs that its workers run at once.
        listed_seconds: How long it counts as live without a renewal.
    """

    host: str
    pid: int
    version: str
    queues: Sequence[str]
    slots: int
    listed_seconds: float

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
            "listed_seconds": self.listed_seconds,
        }


def register_supervisor(identity: SupervisorIdentity) -> Statement[int | None]:
    """Add a supervisor that starts, under a random id; returns the id, None when it is in use."""
    params = {**identity.columns(), "supervisor_id": random_id()}
    return Statement("register_supervisor", params, first_value)


def announce(
    supervisor_id: int, identity: SupervisorIdentity, *, wants_notify: bool
) -> Statement[None]:
    """Announce whether producers are to notify a supervisor; a row that was lost is added again."""
    params = {
        **identity.columns(),
        "supervisor_id": supervisor_id,
        "wants_notify": wants_notify,
    }
    return Statement("announce_supervisor", params, lambda rows: None)


class LiveSupervisors(NamedTuple):
    """The live supervisors, as the last renewal of one of them saw them.

    Attributes:
        is_recorded: Whether that one has a row, and has not stopped.
        rank: Its rank among them by id, from 0.
        supervisors: How many there are, this one included.
        peers: How many of them have a queue in common with this one, itself included.
        shared_seconds: A time that is the same for all of them now.
    """

    is_recorded: bool
    rank: int
    supervisors: int
    peers: int
    shared_seconds: float


@dataclass(frozen=True, slots=True)
class Renewal:
    """The answer to a renewal.

    Attributes:
        renewed_ids: The workers that live. The lease of a worker that is missing has expired.
        foreign_ids: Live workers with this supervisor's id that it did not register.
        live: The supervisors that live.
    """

    renewed_ids: frozenset[int]
    foreign_ids: frozenset[int]
    live: LiveSupervisors


def renew(
    supervisor_id: int,
    worker_ids: Iterable[int],
    lease_seconds: float,
    *,
    listed_seconds: float | None = None,
    slots: int = 0,
    busy_slots: int = 0,
    run_seconds: float | None = None,
) -> Statement[Renewal]:
    """Renew the leases of a supervisor and of its workers.

    Args:
        worker_ids: The workers that it registered and that have not ended.
        listed_seconds: How long the supervisor counts as live; None for as long as its workers.
        slots: Jobs that its wanted workers run at once.
        busy_slots: Jobs that its workers run now.
        run_seconds: Average length of recent runs; None without any.
    """
    params = {
        "supervisor_id": supervisor_id,
        "worker_ids": list(worker_ids),
        "lease_seconds": lease_seconds,
        "listed_seconds": lease_seconds if listed_seconds is None else listed_seconds,
        "slots": slots,
        "busy_slots": busy_slots,
        "run_seconds": run_seconds,
    }
    return Statement("renew_leases", params, _renewal)


def _renewal(rows: Sequence[Row]) -> Renewal:
    [(renewed_ids, foreign_ids, *live)] = rows
    return Renewal(
        frozenset(renewed_ids or ()), frozenset(foreign_ids or ()), LiveSupervisors(*live)
    )


def stop(supervisor_id: int) -> Statement[int]:
    """Record that a supervisor has stopped in order; returns 0 when that is recorded already."""
    return Statement("stop_supervisor", {"supervisor_id": supervisor_id}, count)
