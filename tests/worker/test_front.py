"""A claim begins where the last one ended, and misses nothing for long."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import islice

import pytest
from now import Now
from queue_database import QueueDatabase

from pgqueue.core.new_job import NewJob
from pgqueue.store import bulk_insert, claims
from pgqueue.store.claims import ClaimedBatch, KeyRange, Visibility
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run
from pgqueue.worker import claim_cursors as front_module
from pgqueue.worker.claim_cursors import ClaimCursors

_OTHERS_SECONDS_MAX = 30.0


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Now:
    return Now(monkeypatch)


class Desk:
    """A worker that claims through a front."""

    def __init__(self, db: QueueDatabase, *queues: str) -> None:
        self.db = db
        self.queues = queues or ("default",)
        self.worker_id = db.worker()
        self.front = ClaimCursors()
        self.spans: list[KeyRange] = []

    def claim(self, jobs_max: int = 10) -> list[int]:
        """The ids of what it got."""
        return [job.id for job in self.batch(jobs_max).claimed]

    def batch(self, jobs_max: int = 10) -> ClaimedBatch:
        """What it got."""
        self.spans = self.front.spans(self.queues)
        asked = claims.claim(
            worker_id=self.worker_id,
            executor="greenlet",
            spans=self.spans,
            unknown_tasks=[],
            jobs_max=jobs_max,
            slots_free=jobs_max,
        )
        batch = run(self.db.link, asked)
        self.front.learn(batch)
        return batch

    def settle_in(self) -> None:
        """Claim with nothing there, until what it has seen counts as known.

        Other tests have transactions on the same server, which are waited for like our own: one
        that stands in a lock for seconds is longer than some thousand claims.
        """
        [(position,)] = self.db.rows(
            "select last_value - (not is_called)::integer from pgqueue.jobs_position"
        )
        until = time.perf_counter() + _OTHERS_SECONDS_MAX  # which `now` does not move
        while time.perf_counter() < until:
            assert [] == self.claim()
            if self.front.known >= position:
                return
        pytest.fail("others write without an end")


@pytest.fixture
def desk(db: QueueDatabase) -> Desk:
    return Desk(db)


@pytest.fixture
def others(database_url: str) -> Iterator[Callable[[], Link]]:
    """Connections of others to the same database."""
    with ExitStack() as open_:

        def connect() -> Link:
            link = Database(database_url).open()
            open_.callback(link.close)
            return link

        yield connect


def _brought(*, seconds: float) -> ClaimedBatch:
    return ClaimedBatch(
        [], is_whole=True, needs_slot=False, horizon=Visibility(9, 9, 9), seconds=seconds
    )


def _insert(link: Link, queue: str = "default") -> int:
    [(job_id,)] = link.fetch(
        link.schema.qualify(
            "insert into pgqueue.jobs (task, queue) values ('t', %(queue)s) returning id"
        ),
        {"queue": queue},
    )
    return int(job_id)


def test_a_claim_begins_behind_what_the_last_one_took(desk: Desk, now: Now) -> None:
    jobs = [desk.db.enqueue().id for _ in range(6)]

    taken = [desk.claim(2) for _ in range(3)]
    desk.settle_in()
    desk.claim()

    assert [jobs[:2], jobs[2:4], jobs[4:]] == taken
    last = desk.db.job(jobs[-1]).position
    assert [KeyRange("default", until_priority=1), KeyRange("default", 0, last)] == desk.spans


def test_a_higher_priority_is_never_missed(desk: Desk, now: Now) -> None:
    for _ in range(4):
        desk.db.enqueue(priority=5)
    desk.claim(2)
    desk.claim(1)
    wanted = [desk.db.enqueue(priority=priority).id for priority in (7, 6, 100, 5)]

    claimed = desk.claim(3)

    assert [wanted[2], wanted[0], wanted[1]] == claimed


def test_a_lower_priority_and_another_queue_have_places_of_their_own(
    db: QueueDatabase, now: Now
) -> None:
    desk = Desk(db, "a", "b")
    jobs = {
        (queue, priority, n): db.enqueue(queue=queue, priority=priority).id
        for queue in "ab"
        for priority in (3, -3)
        for n in range(2)
    }
    expected = list(jobs.values())

    claimed = [job for _ in range(5) for job in desk.claim(2)]

    assert expected == claimed
    later = [db.enqueue(queue=queue, priority=priority).id for queue, priority, _ in jobs]
    assert sorted(later) == sorted(job for _ in range(5) for job in desk.claim(2))


def test_a_job_that_commits_late_is_claimed_as_soon_as_it_is_there(
    desk: Desk, now: Now, others: Callable[[], Link]
) -> None:
    desk.settle_in()
    late = others()
    with late.transaction():
        wanted = _insert(late)
        for _ in range(3):
            desk.db.enqueue()
            desk.claim()

    assert [wanted] == desk.claim()


def test_a_job_of_a_transaction_that_takes_long_is_claimed_within_a_second(
    desk: Desk, now: Now, others: Callable[[], Link]
) -> None:
    desk.settle_in()
    late = others()
    with late.transaction():
        wanted = [_insert(late) for _ in range(7)]
        for seconds in (0, 0.05, 1.1, 0.05):
            now.seconds += seconds
            desk.db.enqueue()
            desk.claim()
    missed = desk.claim()

    now.seconds += 1
    found = desk.claim(3), desk.claim(3), desk.claim(3)

    # Found once, all of them are claimed at once, and not a few every second.
    assert [] == missed
    assert (wanted[:3], wanted[3:6], wanted[6:]) == found


def test_a_transaction_that_goes_on_for_ever_does_not_hold_the_front(
    desk: Desk, now: Now, others: Callable[[], Link]
) -> None:
    desk.settle_in()
    writer = others()
    with writer.transaction():
        _insert(writer)
        before = desk.db.enqueue()
        desk.claim()
        now.seconds += 0.5
        desk.claim()
        held = desk.spans[-1].after
        for seconds in (1.1, 0.1):
            now.seconds += seconds
            desk.db.enqueue()
            desk.claim()

    assert held < desk.db.job(before.id).position <= desk.spans[-1].after


@pytest.mark.own_session
def test_an_old_snapshot_does_not_hold_the_front(
    desk: Desk, now: Now, others: Callable[[], Link]
) -> None:
    desk.settle_in()
    reader = others()
    with reader.transaction():
        reader.raw.execute("set transaction isolation level repeatable read")
        reader.fetch("select from pgqueue.jobs", {})
        job = desk.db.enqueue()
        desk.claim()
        desk.settle_in()
        desk.claim()

    assert desk.db.job(job.id).position <= desk.spans[-1].after


def test_what_another_worker_claimed_and_rolled_back_is_claimed_within_a_second(
    desk: Desk, now: Now, others: Callable[[], Link]
) -> None:
    desk.settle_in()
    wanted = desk.db.enqueue()
    other = QueueDatabase(others())
    with other.link.raw.transaction(force_rollback=True):
        other.claim(other.worker())
        for seconds in (0, 0.05, 1.1, 0.05):
            now.seconds += seconds
            desk.db.enqueue()
            desk.claim()
    at_once = desk.claim()

    now.seconds += 1

    assert [] == at_once
    assert [wanted.id] == desk.claim()


@pytest.mark.parametrize(("seconds", "pause"), [(0.01, 1.0), (0.3, 6.0), (1.0, 20.0), (9.0, 30.0)])
def test_everything_is_read_again_for_a_twentieth_of_the_time_or_each_thirty_seconds(
    desk: Desk, now: Now, seconds: float, pause: float
) -> None:
    looks: list[bool] = []
    desk.front.spans(["default"])

    desk.front.learn(_brought(seconds=seconds))
    for later in (pause - 0.1, 0.2):
        now.seconds += later
        looks.append(now.seconds >= desk.front.rescan_at(["default"]))
        desk.front.spans(["default"])

    assert [False, True] == looks


def test_what_the_client_waits_for_does_not_count(desk: Desk, now: Now) -> None:
    desk.front.spans(["default"])
    now.seconds += 20.0
    desk.front.learn(_brought(seconds=0.001))

    now.seconds += 1.1
    assert now.seconds > desk.front.rescan_at(["default"])


def test_a_full_reading_that_does_not_come_back_is_not_asked_again_at_once(
    desk: Desk, now: Now
) -> None:
    looks: list[bool] = []
    for later in (0.0, 20.0, 20.0, 21.0):
        now.seconds += later
        looks.append(now.seconds >= desk.front.rescan_at(["default"]))
        desk.front.spans(["default"])

    assert [True, False, False, True] == looks


def test_a_claim_that_ends_in_one_queue_has_not_read_the_next(
    db: QueueDatabase, now: Now, others: Callable[[], Link]
) -> None:
    desk = Desk(db, "a", "b")
    late = others()
    with late.transaction():
        wanted = _insert(late, queue="b")
        for seconds in (0.0, 1.2, 1.2):
            now.seconds += seconds
            db.enqueue(queue="b")
            desk.claim()
    for _ in range(30):
        db.enqueue(queue="a")
        db.enqueue(queue="b")

    now.seconds += 1.1
    claimed = [desk.claim(10) for _ in range(4)]

    assert wanted == claimed[3][0]


def test_positions_that_go_back_make_every_place_forgotten(desk: Desk, now: Now) -> None:
    for _ in range(5):
        desk.db.enqueue()
    desk.claim()
    desk.settle_in()
    desk.db.rows("select setval('pgqueue.jobs_position', 1)")

    desk.claim()
    jobs = [desk.db.enqueue().id for _ in range(3)]

    assert jobs == desk.claim()


def test_priorities_beyond_sixteen_are_read_with_those_above_them(desk: Desk, now: Now) -> None:
    desk.settle_in()
    for priority in range(40):
        desk.db.enqueue(priority=priority)
    assert 40 == len(desk.claim(50))
    desk.settle_in()

    jobs = [desk.db.enqueue(priority=priority).id for priority in range(40)]

    assert jobs[::-1] == desk.claim(50)
    assert 17 == len(desk.spans)


@pytest.mark.parametrize("seed", range(5))
def test_every_job_is_claimed_once_and_in_order_whatever_the_sizes(
    desk: Desk, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front_module, "RESCAN_SECONDS", 3600.0)
    chance = random.Random(seed)
    desk.claim()
    seen: list[int] = []

    for _ in range(60):
        fresh = (NewJob("t", priority=chance.choice([-5, 0, 0, 9])) for _ in range(9))
        bulk_insert.insert(desk.db.link, islice(fresh, chance.randrange(9)), 100)
        ready = desk.db.rows(
            "select id from pgqueue.jobs where status = 'queued' order by priority desc, position"
        )
        jobs_max = chance.randrange(1, 9)
        claimed = desk.claim(jobs_max)
        assert [row[0] for row in ready[:jobs_max]] == claimed
        seen += claimed

    assert len(seen) == len(set(seen))
