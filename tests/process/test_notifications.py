"""Which producers notify which supervisors, and when."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from dispatching import dispatchers
from notified import Notifications
from queue_database import QueueDatabase
from registering import identity, listening_supervisor, supervisor

from pgqueue.client.client import Client
from pgqueue.core.new_job import NewJob
from pgqueue.process.dispatcher import Dispatcher
from pgqueue.process.turns import Turns
from pgqueue.store import bulk_insert, requests, supervisors
from pgqueue.store.connection.link import Link
from pgqueue.store.requests import Request
from pgqueue.store.statement import run
from pgqueue.store.supervisors import LiveSupervisors


@pytest.fixture
def make_dispatcher(database_url: str) -> Iterator[Callable[..., Dispatcher]]:
    """Makes dispatchers that are closed afterwards."""
    with dispatchers(database_url) as make:
        yield make


@pytest.fixture
def notifications(link: Link, database_url: str) -> Iterator[Notifications]:
    with psycopg.connect(database_url, autocommit=True) as listener:
        yield Notifications(listener, link.schema)


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
def test_a_job_notifies_one_supervisor_of_its_queue_and_nobody_else(
    db: QueueDatabase,
    notifications: Notifications,
    put: Callable[[QueueDatabase, str], object],
    wants: bool,
) -> None:
    for _ in range(2):
        notifications.listen(listening_supervisor(db.link, "mail/", "news", wants_notify=wants))
    counts = {}
    for queue in ("news", "newsletter", "mail/out", "mail", "default"):
        put(db, queue)
        counts[queue] = len(notifications.received())

    expected = {"news": 1, "newsletter": 0, "mail/out": 1, "mail": 0, "default": 0}
    assert {queue: count * wants for queue, count in expected.items()} == counts


@pytest.mark.own_session
def test_a_supervisor_whose_lease_has_expired_is_not_notified(
    db: QueueDatabase, notifications: Notifications
) -> None:
    for _ in range(2):
        notifications.listen(listening_supervisor(db.link, "default", listed_seconds=-1))

    db.enqueue()

    assert [] == notifications.received()


@pytest.mark.own_session
def test_a_supervisor_that_has_stopped_is_notified_no_more(
    db: QueueDatabase, notifications: Notifications
) -> None:
    supervisor_id = notifications.listen(listening_supervisor(db.link))
    run(db.link, supervisors.stop(supervisor_id))
    announcement = supervisors.announce(supervisor_id, identity(), wants_notify=True)
    run(db.link, announcement)
    run(db.link, supervisors.renew(supervisor_id, [], 60.0))

    db.enqueue()

    assert [] == notifications.received()
    assert (True,) == db.row("select stopped_at is not null from pgqueue.supervisors")


@pytest.mark.own_session
def test_a_live_supervisor_whose_row_was_lost_has_a_row_again_and_is_notified(
    db: QueueDatabase,
    notifications: Notifications,
    make_dispatcher: Callable[..., Dispatcher],
) -> None:
    dispatcher = make_dispatcher(queues=["news", "mail/"])
    dispatcher.run_once()
    columns = "id, host, pid, version, queues, prefixes, slots, wants_notify, stopped_at"
    row = db.row(f"select {columns} from pgqueue.supervisors")
    notifications.listen(row[0])
    db.rows("delete from pgqueue.supervisors")

    # A fail-over ends the connection, and the dispatcher opens another one.
    dispatcher.close()
    dispatcher.run_once()

    assert row == db.row(f"select {columns} from pgqueue.supervisors")
    db.enqueue(queue="mail/out")
    assert [(row[0], "")] == notifications.received()


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
    listening_supervisor(db.link, "default", listed_seconds=-1)
    supervisor_id = supervisor(db.link, *queues)

    around = run(db.link, supervisors.renew(supervisor_id, [], 60.0)).live

    assert (count, 5) == (around.peers, around.supervisors)


def test_live_supervisors_take_their_places_by_id_and_share_a_time(db: QueueDatabase) -> None:
    ids = sorted(supervisor(db.link) for _ in range(3))
    run(db.link, supervisors.stop(supervisor(db.link)))

    seen = [run(db.link, supervisors.renew(id, [], 60.0)).live for id in ids]

    assert [(0, 3), (1, 3), (2, 3)] == [(around.rank, around.supervisors) for around in seen]
    assert max(around.shared_seconds for around in seen) - seen[0].shared_seconds < 5


@pytest.mark.own_session
@pytest.mark.parametrize(
    ("slots", "busy_slots"), [(4, 4), (0, 2), (0, 0)], ids=["full", "stops", "stops idly"]
)
def test_a_job_notifies_a_full_supervisor_only_if_all_are_full(
    db: QueueDatabase, notifications: Notifications, slots: int, busy_slots: int
) -> None:
    full, free = (notifications.listen(listening_supervisor(db.link)) for _ in range(2))
    run(db.link, supervisors.renew(full, [], 60.0, slots=slots, busy_slots=busy_slots))
    run(db.link, supervisors.renew(free, [], 60.0, slots=4, busy_slots=3))
    for _ in range(5):
        db.enqueue()
    before = notifications.received()
    run(db.link, supervisors.stop(free))
    db.enqueue()

    assert [(free, "")] * 5 == before
    assert [(full, "")] == notifications.received()


@pytest.mark.own_session
@pytest.mark.parametrize(("job_count", "notified"), [(1, 1), (10, 1), (11, 2), (21, 3), (99, 3)])
def test_many_jobs_notify_as_many_supervisors_as_have_slots_for_them(
    db: QueueDatabase, notifications: Notifications, job_count: int, notified: int
) -> None:
    for _ in range(3):
        notifications.listen(listening_supervisor(db.link))  # of ten slots

    bulk_insert.insert(db.link, [NewJob("t")] * job_count, 100)

    assert notified == len(notifications.received())


@pytest.mark.own_session
def test_a_job_for_which_no_worker_waits_here_is_forwarded_three_times_at_most(
    db: QueueDatabase, notifications: Notifications, make_dispatcher: Callable[..., Dispatcher]
) -> None:
    own, other = (notifications.listen(listening_supervisor(db.link)) for _ in range(2))
    dispatcher = _dispatcher_of_two(make_dispatcher, own, waiting_kinds=set)
    run(db.link, supervisors.renew(own, [], 60.0, slots=1, busy_slots=1))
    db.enqueue()  # notifies the other one, which is not full
    notifications.received()

    payloads = []
    for payload in ("", "1", "2", "3", "4", "of somebody else"):
        db.rows("select pgqueue.notify(%(id)s, %(payload)s)", id=own, payload=payload)
        for _ in range(2):
            dispatcher.run_once()
        payloads.append([sent for sent in notifications.received() if sent[0] == other])

    assert [[(other, "1")], [(other, "2")], [(other, "3")], [], [], []] == payloads


@pytest.mark.own_session
def test_a_job_for_which_a_worker_waits_here_is_not_forwarded(
    db: QueueDatabase, notifications: Notifications, make_dispatcher: Callable[..., Dispatcher]
) -> None:
    own, other = (notifications.listen(listening_supervisor(db.link)) for _ in range(2))
    dispatcher = _dispatcher_of_two(make_dispatcher, own)
    db.enqueue()
    notifications.received()
    db.rows("select pgqueue.notify(%(id)s, '')", id=own)

    for _ in range(3):
        dispatcher.run_once()

    assert [] == [sent for sent in notifications.received() if sent[0] == other]


@pytest.mark.own_session
def test_a_poll_finds_the_jobs_and_the_requests_of_other_supervisors(
    db: QueueDatabase, notifications: Notifications, make_dispatcher: Callable[..., Dispatcher]
) -> None:
    other = notifications.listen(listening_supervisor(db.link))
    dispatcher = _dispatcher_of_two(make_dispatcher, supervisor(db.link, "mail"), queues=["mail"])
    db.enqueue()
    [claimed] = db.claim(db.worker(supervisor_id=other))
    db.enqueue()
    db.rows("select pgqueue.cancel(%(id)s)", id=claimed.id)
    notifications.received()

    dispatcher.polling.poll_now()
    dispatcher.run_once()

    assert [(other, "1"), (other, "requests")] == sorted(notifications.received())


@pytest.mark.own_session
@pytest.mark.parametrize("polls_alone", [True, False])
def test_a_supervisor_that_polls_alone_tells_the_others_too(
    db: QueueDatabase,
    notifications: Notifications,
    make_dispatcher: Callable[..., Dispatcher],
    polls_alone: bool,
) -> None:
    other = notifications.listen(listening_supervisor(db.link))
    dispatcher = _dispatcher_of_two(
        make_dispatcher, supervisor(db.link, "mail"), queues=["mail"], polls_alone=polls_alone
    )
    db.enqueue()
    notifications.received()

    dispatcher.polling.poll_now()
    dispatcher.run_once()

    assert [(other, "1")] == notifications.received()


@pytest.mark.own_session
def test_a_supervisor_whose_row_was_lost_announces_itself_again(
    db: QueueDatabase, notifications: Notifications, make_dispatcher: Callable[..., Dispatcher]
) -> None:
    turns = Turns()
    own = supervisor(db.link)
    dispatcher = make_dispatcher(supervisor_id=own, turns=turns)
    dispatcher.run_once()
    db.rows("delete from pgqueue.supervisors returning id")
    turns.update(run(db.link, supervisors.renew(own, [], 60.0)).live)

    dispatcher.run_once()

    assert [(own, True)] == db.rows("select id, wants_notify from pgqueue.supervisors")


@pytest.mark.own_session
def test_jobs_that_fall_due_at_once_wake_as_many_supervisors_as_have_slots_for_them(
    db: QueueDatabase, notifications: Notifications, make_dispatcher: Callable[..., Dispatcher]
) -> None:
    for _ in range(3):
        notifications.listen(listening_supervisor(db.link))  # of ten slots
    dispatcher = _dispatcher_of_two(make_dispatcher, supervisor(db.link), waiting_kinds=set)
    for _ in range(15):
        db.enqueue(run_after=60.0)
    db.rows("update pgqueue.jobs set run_at = clock_timestamp() returning id")

    dispatcher.polling.poll_now()
    dispatcher.run_once()

    assert 2 == len(notifications.received())


def _dispatcher_of_two(
    make_dispatcher: Callable[..., Dispatcher], supervisor_id: int, **options: Any
) -> Dispatcher:
    """A dispatcher that has polled, and takes turns with another supervisor."""
    turns = Turns()
    dispatcher = make_dispatcher(supervisor_id=supervisor_id, turns=turns, **options)
    dispatcher.run_once()
    turns.update(LiveSupervisors(True, 0, 2, 2, 0.0))
    dispatcher.run_once()  # the poll was no news
    return dispatcher


@pytest.mark.own_session
def test_a_cancellation_notifies_the_supervisor_of_the_worker_once(
    db: QueueDatabase, notifications: Notifications
) -> None:
    notifications.listen(7)
    db.enqueue()
    [claimed] = db.claim(db.worker(supervisor_id=7))

    for _ in range(2):
        db.rows("select pgqueue.cancel(%(id)s)", id=claimed.id)

    assert [(7, requests.NOTIFICATION)] == notifications.received()


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
