"""Rows of supervisors, without a process behind them."""

from pgqueue.store import supervisors
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run


def supervisor(link: Link, *queues: str) -> int:
    """The id of a new supervisor."""
    registration = supervisors.register_supervisor(
        host="here", pid=1, version="0.1.0", queues=queues or ["default"], slots=10
    )
    return run(link, registration)


def listening_supervisor(
    link: Link, *queues: str, wants_notify: bool = True, seconds: float = 60.0
) -> int:
    """The id of a new supervisor that has announced whether producers are to notify it."""
    supervisor_id = supervisor(link, *queues)
    run(link, supervisors.announce(supervisor_id, wants_notify=wants_notify, seconds=seconds))
    return supervisor_id
