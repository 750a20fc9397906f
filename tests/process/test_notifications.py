"""Which producers notify which supervisors, and when."""

import time
from collections.abc import Callable, Iterator
from itertools import takewhile

import psycopg
import pytest
from dispatching import dispatchers
from psycopg import sql
from queue_database import QueueDatabase
from registering import identity, listening_supervisor, supervisor

from pgqueue.client.client import Client
from pgqueue.core.new_job import NewJob
from pgqueue.process.dispatcher import Dispatcher
from pgqueue.store import bulk_insert, requests, supervisors
from pgqueue.store.connection.link import Link
from pgqueue.store.requests import Request
from pgqueue.store.statement import run


@pytest.fixture
def make_dispatcher(database_url: str) -> Iterator[Callable[..., Dispatcher]]:
    """Makes dispatchers that are closed afterwards."""
    with dispatchers(database_url) as make:
        yield make


@pytest.fixture
def payloads(link: Link, database_url: str) -> Iterator[Callable[[], list[str]]]:
    """The payloads of the notifications since the last call."""
    with psycopg.connect(database_url, autocommit=True) as listener:
        channel = link.schema.channel
        listener.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))

        def received() -> list[str]:
            # All notifications that were sent before come before this one.
            listener.execute("select pg_notify(%s, 'end')", [channel])
            notifications = listener.notifies(timeout=10)
            return [
                notification.payload
                for notification in takewhile(lambda sent: sent.payload != "end", notifications)
            ]

        yield received


def _retried(db: QueueDatabase, queue: str) -> None:
    job = db.enqueue(queue=queue, run_after=60.0)
    db.rows("select pgqueue.retry(%(id)s)", id=job.id)


@pytest.mark.own_session
@pytest.mark.parametrize("wants", [True, False])
@pytest.mark.parametrize(
    "put",
    [
        lambda db, queue: db.enqueue(queue=queue),
        lambda db, queue: bulk_insert.insert(db.link, [NewJob("t", queue=queue)] * 2, 100),
        lambda db, queue: db.rows("select pgqueue.enqueue('t', queue => %(q)s)", q=queue),
        _retried,
    ],
    ids=["one", "many", "by SQL", "retried"],
)
def test_a_job_notifies_the_supervisors_of_its_queue_and_nobody_else(
    db: QueueDatabase,
    payloads: Callable[[], list[str]],
    put: Callable[[QueueDatabase, str], object],
    wants: bool,
) -> None:
    listening_supervisor(db.link, "mail/", "news", wants_notify=wants)
    counts = {}
    for queue in ("news", "newsletter", "mail/out", "mail", "default"):
        put(db, queue)
        counts[queue] = len(payloads())

    expected = {"news": 1, "newsletter": 0, "mail/out": 1, "mail": 0, "default": 0}
    assert {queue: count * wants for queue, count in expected.items()} == counts


@pytest.mark.own_session
def test_an_announcement_that_has_expired_brings_no_notification(
    db: QueueDatabase, payloads: Callable[[], list[str]]
) -> None:
    for _ in range(2):
        listening_supervisor(db.link, "default", seconds=-1)

    db.enqueue()

    assert [] == payloads()


@pytest.mark.own_session
def test_a_supervisor_that_has_stopped_is_notified_no_more(
    db: QueueDatabase, payloads: Callable[[], list[str]]
) -> None:
    supervisor_id = listening_supervisor(db.link)
    run(db.link, supervisors.stop(supervisor_id))
    announcement = supervisors.announce(supervisor_id, identity(), wants_notify=True, seconds=60.0)
    run(db.link, announcement)

    db.enqueue()

    assert [] == payloads()
    assert (True,) == db.row("select stopped_at is not null from pgqueue.supervisors")


@pytest.mark.own_session
def test_a_live_supervisor_whose_row_was_lost_has_a_row_again_and_is_notified(
    db: QueueDatabase,
    payloads: Callable[[], list[str]],
    make_dispatcher: Callable[..., Dispatcher],
) -> None:
    dispatcher = make_dispatcher(queues=["news", "mail/"])
    dispatcher.run_once()
    columns = "id, host, pid, version, queues, prefixes, slots, wants_notify, stopped_at"
    row = db.row(f"select {columns} from pgqueue.supervisors")
    db.rows("delete from pgqueue.supervisors")

    # A fail-over ends the connection, and the dispatcher opens another one.
    dispatcher.close()
    dispatcher.run_once()

    assert row == db.row(f"select {columns} from pgqueue.supervisors")
    db.enqueue(queue="mail/out")
    assert [""] == payloads()


@pytest.mark.parametrize(
    ("queues", "count"),
    [(["default"], 4), (["rare"], 2), (["mail/"], 5), ([f"q{n}" for n in range(200)], 5)],
    ids=["one", "none", "prefix", "many"],
)
def test_supervisors_with_a_common_queue_or_a_prefix_are_counted(
    db: QueueDatabase, queues: list[str], count: int
) -> None:
    for others in (["default"], ["default", "other"], ["other"]):
        listening_supervisor(db.link, *others, wants_notify=False)
    listening_supervisor(db.link, "mail/")
    listening_supervisor(db.link, "default", seconds=-1)
    supervisor_id = supervisor(db.link, *queues)

    announcement = supervisors.announce(
        supervisor_id, identity(*queues), wants_notify=True, seconds=60.0
    )

    assert count == run(db.link, announcement)


@pytest.mark.own_session
def test_a_cancellation_notifies_the_supervisor_of_the_worker_once(
    db: QueueDatabase, payloads: Callable[[], list[str]]
) -> None:
    db.enqueue()
    [claimed] = db.claim(db.worker(supervisor_id=7))

    for _ in range(2):
        db.rows("select pgqueue.cancel(%(id)s)", id=claimed.id)

    assert [requests.notification(7)] == payloads()


@pytest.mark.own_session
@pytest.mark.parametrize("wants", [True, False])
def test_a_request_is_read_at_once_and_is_no_reason_for_a_scan(
    db: QueueDatabase, make_dispatcher: Callable[..., Dispatcher], wants: bool
) -> None:
    found: list[Request] = []
    ready: list[object] = []
    db.enqueue()
    supervisor_id = supervisor(db.link)
    [claimed] = db.claim(db.worker(supervisor_id=supervisor_id))
    dispatcher = make_dispatcher(
        supervisor_id=supervisor_id,
        on_requests=found.extend,
        on_ready=lambda ready_queues, count: ready.append(ready_queues),
    )
    dispatcher.run_once()
    if not wants:
        dispatcher.polling.suppress()
        dispatcher.run_once()
    db.rows("select pgqueue.cancel(%(id)s)", id=claimed.id)

    dispatcher.run_once()

    assert [(claimed.id, claimed.attempt, "cancel")] == [
        (request.job_id, request.attempt, request.kind) for request in found
    ]
    assert [] == ready


@pytest.mark.own_session
def test_a_job_of_a_transaction_that_began_before_anybody_listened_is_found_within_a_poll(
    make_dispatcher: Callable[..., Dispatcher], database_url: str
) -> None:
    found: list[float] = []
    dispatcher = make_dispatcher(
        poll_seconds=0.2, on_ready=lambda ready, count: found.append(time.monotonic())
    )
    with psycopg.connect(database_url) as producer:
        Client(database_url).enqueue("shop.work", connection=producer)
        for _ in range(3):
            dispatcher.run_once()
        before = list(found)
    committed = time.monotonic()

    while not found and time.monotonic() < committed + 10:
        dispatcher.run_once()

    assert [] == before
    assert found[0] - committed < 2
