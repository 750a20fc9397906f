"""Which other supervisor is notified of ready jobs for which no worker waits here."""

from collections.abc import Iterator

import psycopg
import pytest
from notified import Notifications
from queue_database import QueueDatabase
from registering import listening_supervisor, supervisor

from pgqueue.process.forwarding import Forwarding
from pgqueue.process.turns import Turns
from pgqueue.process.worker_pool import WorkerKind
from pgqueue.store.connection.link import Link
from pgqueue.store.supervisors import LiveSupervisors

Queue = tuple[str, str, bool]
MINE: Queue = ("mine", "greenlet", False)
FOREIGN: Queue = ("foreign", "greenlet", False)


@pytest.fixture
def notifications(link: Link, database_url: str) -> Iterator[Notifications]:
    with psycopg.connect(database_url, autocommit=True) as listener:
        yield Notifications(listener, link.schema)


@pytest.fixture
def waiting() -> set[WorkerKind]:
    """The kinds of the workers that wait."""
    return {WorkerKind("greenlet")}


@pytest.fixture
def forwarding(db: QueueDatabase, waiting: set[WorkerKind]) -> Forwarding:
    turns = Turns()
    turns.update(LiveSupervisors(True, 0, 3, 2, 0.0))
    return Forwarding(supervisor(db.link, "mine"), ["mine"], lambda: waiting, turns)


@pytest.mark.own_session
def test_a_ready_job_of_another_queue_is_forwarded_once_and_hides_no_job_of_ones_own(
    db: QueueDatabase,
    notifications: Notifications,
    forwarding: Forwarding,
    waiting: set[WorkerKind],
) -> None:
    mine, foreign = (
        notifications.listen(listening_supervisor(db.link, queue)) for queue in ("mine", "foreign")
    )
    forwarding.receive()

    forwarding.forward(db.link, [MINE, FOREIGN])
    first = notifications.received()
    waiting.clear()
    forwarding.forward(db.link, [MINE, FOREIGN])

    assert [(foreign, "1")] == first
    assert [(mine, "1")] == notifications.received()


@pytest.mark.own_session
@pytest.mark.parametrize("later", [{"forward_count": 3}, {}])
def test_a_later_notification_does_not_replace_an_earlier_one(
    db: QueueDatabase,
    notifications: Notifications,
    forwarding: Forwarding,
    waiting: set[WorkerKind],
    later: dict[str, int],
) -> None:
    for _ in range(3):
        notifications.listen(listening_supervisor(db.link, "mine"))  # of ten slots
    forwarding.receive(job_count=21)
    forwarding.receive(**later)
    waiting.clear()

    forwarding.forward(db.link, [MINE])

    assert ["1"] * 3 == [payload for _, payload in notifications.received()]


@pytest.mark.own_session
def test_what_was_forwarded_three_times_is_forwarded_no_more(
    db: QueueDatabase, notifications: Notifications, forwarding: Forwarding
) -> None:
    notifications.listen(listening_supervisor(db.link, "foreign"))
    forwarding.receive(forward_count=3)

    forwarding.forward(db.link, [FOREIGN])

    assert [] == notifications.received()
