"""Rows of supervisors and workers, without a process behind them."""

from collections.abc import Sequence

from pgqueue.store import supervisors, workers
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run
from pgqueue.store.supervisors import SupervisorIdentity


def identity(*queues: str, listed_seconds: float = 60.0) -> SupervisorIdentity:
    """The identity of a supervisor of these queues; of the default queue without any."""
    return SupervisorIdentity(
        "here", 1, "0.1.0", queues or ["default"], slots=10, listed_seconds=listed_seconds
    )


def supervisor(link: Link, *queues: str) -> int:
    """The id of a new supervisor."""
    supervisor_id = run(link, supervisors.register_supervisor(identity(*queues)))
    assert supervisor_id is not None
    return supervisor_id


def listening_supervisor(
    link: Link, *queues: str, wants_notify: bool = True, listed_seconds: float = 60.0
) -> int:
    """The id of a new supervisor that has announced whether producers are to notify it."""
    supervisor_id = supervisor(link, *queues)
    announcement = supervisors.announce(
        supervisor_id,
        identity(*queues, listed_seconds=listed_seconds),
        wants_notify=wants_notify,
    )
    run(link, announcement)
    return supervisor_id


def worker(
    link: Link,
    *,
    supervisor_id: int = 1,
    executor: str = "greenlet",
    slots: int = 10,
    queues: Sequence[str] = ("default",),
    lease_seconds: float = 60.0,
    quarantine: bool = False,
) -> int:
    """The id of a new live worker."""
    worker_id = run(
        link,
        workers.register_worker(
            supervisor_id=supervisor_id,
            executor=executor,
            slots=slots,
            host="here",
            queues=queues,
            lease_seconds=lease_seconds,
            quarantine=quarantine,
        ),
    )
    assert worker_id is not None
    return worker_id
