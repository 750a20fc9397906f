"""A claim begins where the last claim ended, and misses no job for long."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import islice

import pytest
from manual_clock import ManualClock
from queue_database import QueueDatabase

from pgqueue.core.new_job import NewJob
from pgqueue.store import bulk_insert, claims
from pgqueue.store.claims import ClaimedBatch, KeyRange, Snapshot
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run
from pgqueue.worker import claim_cursors
from pgqueue.worker.claim_cursors import ClaimCursors

_OTHERS_SECONDS_MAX = 30.0


class Claims:
    """A worker that claims through its cursors, at the times of a manual clock."""

    def __init__(self, db: QueueDatabase, *queues: str) -> None:
        self.db = db
        self.clock = ManualClock()
        self.queues = queues or ("default",)
        self.worker_id = db.worker()
        self.cursors = ClaimCursors(clock=self.clock)
        self.ranges: list[KeyRange] = []

    def claim(self, jobs_max: int = 10) -> list[int]:
        """The ids of the jobs that it claims."""
        return [job.id for job in self.batch(jobs_max).claimed]

    def batch(self, jobs_max: int = 10) -> ClaimedBatch:
        """The answer to a claim."""
        self.ranges = self.cursors.key_ranges(self.queues)
        statement = claims.claim(
            worker_id=self.worker_id,
            executor="greenlet",
            key_ranges=self.ranges,
            unknown_tasks=[],
            jobs_max=jobs_max,
            slots_free=jobs_max,
        )
        batch = run(self.db.link, statement)
        self.cursors.record(batch)
        return batch

    def settle_in(self) -> None:
        """Claim while no job is ready, until every position that was taken is known.

        The transactions of other tests on this server are waited for as well. A transaction that
        waits for a lock for seconds is longer than some thousand claims.
        """
        [(position,)] = self.db.rows(
            "select last_value - (not is_called)::integer from pgqueue.jobs_position"
        )
        until = time.monotonic() + _OTHERS_SECONDS_MAX
        while time.monotonic() < until:
            assert [] == self.claim()
            if self.cursors.known_position >= position:
                return
        pytest.fail("other transactions write without an end")


@pytest.fixture
def worker(db: QueueDatabase) -> Claims:
    return Claims(db)


@pytest.fixture
def others(database_url: str) -> Iterator[Callable[[], Link]]:
    """Opens further connections to the database."""
    with ExitStack() as open_:

        def connect() -> Link:
            link = Database(database_url).open()
            open_.callback(link.close)
            return link

        yield connect


def _answer(*, seconds: float) -> ClaimedBatch:
    return ClaimedBatch(
        [],
        is_whole=True,
        needs_slot=False,
        affordable=None,
        snapshot=Snapshot(9, 9, 9),
        seconds=seconds,
    )


def _insert(link: Link, queue: str = "default") -> int:
    [(job_id,)] = link.fetch(
        link.schema.qualify(
            "insert into pgqueue.jobs (task, queue) values ('t', %(queue)s) returning id"
        ),
        {"queue": queue},
    )
    return int(job_id)


def test_a_claim_begins_after_the_jobs_of_the_last_claim(worker: Claims) -> None:
    jobs = [worker.db.enqueue().id for _ in range(6)]

    claimed = [worker.claim(2) for _ in range(3)]
    worker.settle_in()
    worker.claim()

    assert [jobs[:2], jobs[2:4], jobs[4:]] == claimed
    last = worker.db.job(jobs[-1]).position
    assert [KeyRange("default", until_priority=1), KeyRange("default", 0, last)] == worker.ranges


def test_a_higher_priority_is_never_missed(worker: Claims) -> None:
    for _ in range(4):
        worker.db.enqueue(priority=5)
    worker.claim(2)
    worker.claim(1)
    wanted = [worker.db.enqueue(priority=priority).id for priority in (7, 6, 100, 5)]

    claimed = worker.claim(3)

    assert [wanted[2], wanted[0], wanted[1]] == claimed


def test_a_lower_priority_and_another_queue_have_cursors_of_their_own(db: QueueDatabase) -> None:
    worker = Claims(db, "a", "b")
    jobs = {
        (queue, priority, n): db.enqueue(queue=queue, priority=priority).id
        for queue in "ab"
        for priority in (3, -3)
        for n in range(2)
    }
    expected = list(jobs.values())

    claimed = [job for _ in range(5) for job in worker.claim(2)]

    assert expected == claimed
    later = [db.enqueue(queue=queue, priority=priority).id for queue, priority, _ in jobs]
    assert sorted(later) == sorted(job for _ in range(5) for job in worker.claim(2))


def test_a_job_that_commits_late_is_claimed_as_soon_as_it_is_there(
    worker: Claims, others: Callable[[], Link]
) -> None:
    worker.settle_in()
    late = others()
    with late.transaction():
        wanted = _insert(late)
        for _ in range(3):
            worker.db.enqueue()
            worker.claim()

    assert [wanted] == worker.claim()


def test_a_job_of_a_transaction_that_takes_long_is_claimed_within_a_second(
    worker: Claims, others: Callable[[], Link]
) -> None:
    worker.settle_in()
    late = others()
    with late.transaction():
        wanted = [_insert(late) for _ in range(7)]
        for seconds in (0, 0.05, 1.1, 0.05):
            worker.clock.advance(seconds)
            worker.db.enqueue()
            worker.claim()
    missed = worker.claim()

    worker.clock.advance(1)
    late_jobs = worker.claim(3), worker.claim(3), worker.claim(3)

    # One rescan finds all of them, so that they are not claimed a few every second.
    assert [] == missed
    assert (wanted[:3], wanted[3:6], wanted[6:]) == late_jobs


def test_a_transaction_that_goes_on_for_ever_does_not_stop_the_cursor(
    worker: Claims, others: Callable[[], Link]
) -> None:
    worker.settle_in()
    writer = others()
    with writer.transaction():
        _insert(writer)
        before = worker.db.enqueue()
        worker.claim()
        worker.clock.advance(0.5)
        worker.claim()
        before_pass = worker.ranges[-1].after
        for seconds in (1.1, 0.1):
            worker.clock.advance(seconds)
            worker.db.enqueue()
            worker.claim()

    assert before_pass < worker.db.job(before.id).position <= worker.ranges[-1].after


@pytest.mark.own_session
def test_an_old_snapshot_does_not_stop_the_cursor(
    worker: Claims, others: Callable[[], Link]
) -> None:
    worker.settle_in()
    reader = others()
    with reader.transaction():
        reader.raw.execute("set transaction isolation level repeatable read")
        reader.fetch("select from pgqueue.jobs", {})
        job = worker.db.enqueue()
        worker.claim()
        worker.settle_in()
        worker.claim()

    assert worker.db.job(job.id).position <= worker.ranges[-1].after


def test_a_job_whose_claim_was_rolled_back_is_claimed_within_a_second(
    worker: Claims, others: Callable[[], Link]
) -> None:
    worker.settle_in()
    wanted = worker.db.enqueue()
    other = QueueDatabase(others())
    with other.link.raw.transaction(force_rollback=True):
        other.claim(other.worker())
        for seconds in (0, 0.05, 1.1, 0.05):
            worker.clock.advance(seconds)
            worker.db.enqueue()
            worker.claim()
    at_once = worker.claim()

    worker.clock.advance(1)

    assert [] == at_once
    assert [wanted.id] == worker.claim()


@pytest.mark.parametrize(("seconds", "pause"), [(0.01, 1.0), (0.3, 6.0), (1.0, 20.0), (9.0, 30.0)])
def test_a_queue_is_rescanned_for_a_twentieth_of_the_time_or_each_thirty_seconds(
    worker: Claims, seconds: float, pause: float
) -> None:
    is_due: list[bool] = []
    worker.cursors.key_ranges(["default"])

    worker.cursors.record(_answer(seconds=seconds))
    for later in (pause - 0.1, 0.2):
        worker.clock.advance(later)
        is_due.append(worker.cursors.seconds_until_rescan(["default"]) == 0)
        worker.cursors.key_ranges(["default"])

    assert [False, True] == is_due


def test_the_time_that_the_client_waits_does_not_count(worker: Claims) -> None:
    worker.cursors.key_ranges(["default"])
    worker.clock.advance(20.0)
    worker.cursors.record(_answer(seconds=0.001))

    worker.clock.advance(1.1)
    assert worker.cursors.seconds_until_rescan(["default"]) == 0


def test_a_rescan_without_an_answer_is_not_repeated_at_once(worker: Claims) -> None:
    is_due: list[bool] = []
    for later in (0.0, 20.0, 20.0, 21.0):
        worker.clock.advance(later)
        is_due.append(worker.cursors.seconds_until_rescan(["default"]) == 0)
        worker.cursors.key_ranges(["default"])

    assert [True, False, False, True] == is_due


def test_a_claim_that_ends_in_one_queue_has_not_read_the_next(
    db: QueueDatabase, others: Callable[[], Link]
) -> None:
    worker = Claims(db, "a", "b")
    late = others()
    with late.transaction():
        wanted = _insert(late, queue="b")
        for seconds in (0.0, 1.2, 1.2):
            worker.clock.advance(seconds)
            db.enqueue(queue="b")
            worker.claim()
    for _ in range(30):
        db.enqueue(queue="a")
        db.enqueue(queue="b")

    worker.clock.advance(1.1)
    claimed = [worker.claim(10) for _ in range(4)]

    assert wanted == claimed[3][0]


def test_positions_that_go_back_reset_every_cursor(worker: Claims) -> None:
    for _ in range(5):
        worker.db.enqueue()
    worker.claim()
    worker.settle_in()
    worker.db.rows("select setval('pgqueue.jobs_position', 1)")

    worker.claim()
    jobs = [worker.db.enqueue().id for _ in range(3)]

    assert jobs == worker.claim()


def test_priorities_beyond_sixteen_are_read_with_those_above_them(worker: Claims) -> None:
    worker.settle_in()
    for priority in range(40):
        worker.db.enqueue(priority=priority)
    assert 40 == len(worker.claim(50))
    worker.settle_in()

    jobs = [worker.db.enqueue(priority=priority).id for priority in range(40)]

    assert jobs[::-1] == worker.claim(50)
    assert 17 == len(worker.ranges)


@pytest.mark.parametrize("seed", range(5))
def test_every_job_is_claimed_once_and_in_order_whatever_the_sizes(
    worker: Claims, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim_cursors, "RESCAN_SECONDS", 3600.0)
    chance = random.Random(seed)
    worker.claim()
    seen: list[int] = []

    for _ in range(60):
        fresh = (NewJob("t", priority=chance.choice([-5, 0, 0, 9])) for _ in range(9))
        bulk_insert.insert(worker.db.link, islice(fresh, chance.randrange(9)), 100)
        ready = worker.db.rows(
            "select id from pgqueue.jobs where status = 'queued' order by priority desc, position"
        )
        jobs_max = chance.randrange(1, 9)
        claimed = worker.claim(jobs_max)
        assert [row[0] for row in ready[:jobs_max]] == claimed
        seen += claimed

    assert len(seen) == len(set(seen))
