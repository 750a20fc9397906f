"""Rows of supervisors, without a process behind them."""

from pgqueue.store import supervisors
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run
from pgqueue.store.supervisors import SupervisorIdentity


def identity(*queues: str) -> SupervisorIdentity:
    """The identity of a supervisor of these queues; of the default queue without any."""
    return SupervisorIdentity("here", 1, "0.1.0", queues or ["default"], slots=10)


def supervisor(link: Link, *queues: str) -> int:
    """The id of a new supervisor."""
    supervisor_id = run(link, supervisors.register_supervisor(identity(*queues)))
    assert supervisor_id is not None
    return supervisor_id


def listening_supervisor(
    link: Link, *queues: str, wants_notify: bool = True, seconds: float = 60.0
) -> int:
    """The id of a new supervisor that has announced whether producers are to notify it."""
    supervisor_id = supervisor(link, *queues)
    announcement = supervisors.announce(
        supervisor_id, identity(*queues), wants_notify=wants_notify, seconds=seconds
    )
    run(link, announcement)
    return supervisor_id
