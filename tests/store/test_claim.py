"""A claim takes the ready jobs of a worker, in their order."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import combinations

import pytest
from claiming import claim
from queue_database import QueueDatabase

from pgqueue.core.lifecycle import JobStatus
from pgqueue.core.new_job import NewJob
from pgqueue.store import bulk_insert, supervisors, workers
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run

PLANNER = [
    "enable_indexscan",
    "enable_bitmapscan",
    "enable_nestloop",
    "enable_hashjoin",
    "enable_mergejoin",
    "enable_seqscan",
    "enable_sort",
    "enable_memoize",
]


def test_jobs_are_claimed_by_queue_then_priority_then_position(db: QueueDatabase) -> None:
    jobs = [
        db.enqueue(queue=queue, priority=priority).id
        for queue, priority in [
            ("low", 100),
            ("high", 0),
            ("high", 50),
            ("low", 0),
            ("high", 0),
            ("high", -100),
            ("high", 100),
        ]
    ]

    claimed = [attempt.id for attempt in db.claim(db.worker(), "high", "low")]

    low_urgent, first, urgent, low, second, last, most_urgent = jobs
    assert [most_urgent, urgent, first, second, last, low_urgent, low] == claimed


def test_a_full_first_queue_leaves_nothing_for_the_second(db: QueueDatabase) -> None:
    for queue in ("low", "high", "low", "high", "high"):
        db.enqueue(queue=queue, priority=100 if queue == "low" else 0)

    claimed = db.claim(db.worker(), "high", "low", jobs_max=3)

    assert ["high"] * 3 == [attempt.queue for attempt in claimed]


def test_a_claim_counts_the_attempt_and_starts_the_clock(db: QueueDatabase) -> None:
    job = db.enqueue(timeout_seconds=90.0, args='{"a": [1, "ü"]}')
    worker_id = db.worker()

    [claimed] = db.claim(worker_id)

    row = db.job(job.id)
    assert (job.id, 1, worker_id, "shop.work", '{"a": [1, "ü"]}', "default", 90.0) == (
        claimed.id,
        claimed.attempt,
        claimed.worker_id,
        claimed.task,
        claimed.args,
        claimed.queue,
        claimed.timeout_seconds,
    )
    assert (JobStatus.RUNNING, 1, worker_id) == (row.status, row.attempt, row.worker_id)
    assert row.started_at is not None
    assert row.deadline_at is not None
    assert abs(row.deadline_at - row.started_at - timedelta(seconds=90)) < timedelta(seconds=1)


def test_a_job_without_a_timeout_has_no_deadline(db: QueueDatabase) -> None:
    claimed = db.claim_new(timeout_seconds=None)

    assert db.job(claimed.id).deadline_at is None


def test_progress_begins_anew_with_each_attempt(db: QueueDatabase) -> None:
    job = db.enqueue()
    db.change(job.id, progress=0.5, progress_message="half way")

    db.claim(db.worker())

    row = db.job(job.id)
    assert (None, None) == (row.progress, row.progress_message)


@pytest.mark.parametrize(
    "options",
    [
        {"queue": "elsewhere"},
        {"executor": "process"},
        {"task": "shop.unknown"},
        {"run_after": 60.0},
    ],
    ids=str,
)
def test_a_job_for_another_worker_is_not_claimed(
    db: QueueDatabase, options: dict[str, object]
) -> None:
    unclaimed = db.enqueue(**options)
    ready = db.enqueue()

    claimed = db.claim(db.worker(), unknown_tasks=["shop.unknown", "shop.other"])

    assert [ready.id] == [attempt.id for attempt in claimed]
    assert unclaimed == db.job(unclaimed.id)


def test_a_job_that_expired_is_not_started(db: QueueDatabase) -> None:
    job = db.enqueue(expires_after_seconds=60.0)
    db.rows("update pgqueue.jobs set expires_at = clock_timestamp()")

    assert [] == db.claim(db.worker())
    assert JobStatus.QUEUED == db.job(job.id).status


@pytest.mark.parametrize("off", [(), *combinations(PLANNER, 1), *combinations(PLANNER, 2)], ids=str)
def test_every_plan_keeps_the_limit_and_the_order(db: QueueDatabase, off: tuple[str, ...]) -> None:
    # Under some plans the sub-select would run once per row, and the claim would not end.
    for queue in ("a", "b"):
        bulk_insert.insert(
            db.link, [NewJob("t", queue=queue, priority=n % 3) for n in range(20)], 100
        )
    for setting in off:
        db.rows(f"select set_config('{setting}', 'off', false)")
    expected = [
        row[0]
        for row in db.rows(
            "select id from pgqueue.jobs order by queue desc, priority desc, position limit 25"
        )
    ]

    claimed = db.claim(db.worker(), "b", "a", jobs_max=25)

    assert expected == [attempt.id for attempt in claimed]
    assert (25,) == db.row("select count(*) from pgqueue.jobs where status = 'running'")


def test_a_prefetch_goes_past_the_free_slots_up_to_an_at_most_once_job(db: QueueDatabase) -> None:
    jobs = [
        db.enqueue(delivery="at_most_once" if n in (0, 4) else "at_least_once") for n in range(6)
    ]

    claimed = db.claim(db.worker(), jobs_max=6, slots_free=2)

    # Later jobs do not overtake the at_most_once job, which might never start in a backlog.
    assert [jobs[n].id for n in (0, 1, 2, 3)] == [attempt.id for attempt in claimed]
    assert {("queued", 0)} == {
        (job.status, job.attempt) for job in (db.job(jobs[n].id) for n in (4, 5))
    }


def test_a_worker_that_ended_claims_nothing(db: QueueDatabase) -> None:
    db.enqueue()
    worker_id = db.worker()
    run(db.link, workers.end_workers([worker_id], "died", "killed by a test"))

    assert [] == db.claim(worker_id)
    assert [] == db.claim(worker_id + 1)


@pytest.mark.own_session
def test_the_end_of_a_worker_waits_for_its_open_claim(db: QueueDatabase, other_link: Link) -> None:
    db.enqueue()
    worker_id = db.worker()

    with ThreadPoolExecutor(1) as pool:
        with db.link.transaction():
            [claimed] = db.claim(worker_id)
            ended = pool.submit(
                run, other_link, workers.end_workers([worker_id], "died", "killed by a test")
            )
            _until_it_waits(db, other_link)
            is_ended_too_early = ended.done()

        assert [worker_id] == ended.result(timeout=10)

    assert is_ended_too_early is False
    assert JobStatus.RUNNING == db.job(claimed.id).status


@pytest.mark.own_session
def test_a_claim_waits_for_the_end_of_its_worker_and_claims_nothing(
    db: QueueDatabase, other_link: Link
) -> None:
    db.enqueue()
    worker_id = db.worker()
    statement = claim(
        worker_id=worker_id,
        executor="greenlet",
        queues=["default"],
        unknown_tasks=[],
        jobs_max=1,
        slots_free=1,
    )

    with ThreadPoolExecutor(1) as pool:
        with db.link.transaction():
            run(db.link, workers.end_workers([worker_id], "died", "killed by a test"))
            claimed = pool.submit(run, other_link, statement)
            _until_it_waits(db, other_link)

        assert [] == claimed.result(timeout=10)


def test_a_lease_renewal_does_not_wait_for_an_open_claim(
    db: QueueDatabase, other_link: Link
) -> None:
    worker_id = db.worker(supervisor_id=7)

    with db.link.transaction():
        db.claim(worker_id)

        renewal = run(other_link, supervisors.renew(7, [worker_id], 60))
        assert {worker_id} == renewal.renewed_ids


def test_a_claim_skips_jobs_that_another_claim_has_locked(
    db: QueueDatabase, other_link: Link
) -> None:
    jobs = [db.enqueue() for _ in range(4)]
    first, second = db.worker(), db.worker()

    with db.link.transaction():
        claimed = [attempt.id for attempt in db.claim(first, jobs_max=2)]
        statement = claim(
            worker_id=second,
            executor="greenlet",
            queues=["default"],
            unknown_tasks=[],
            jobs_max=4,
            slots_free=4,
        )
        others = [attempt.id for attempt in run(other_link, statement)]

    assert [job.id for job in jobs] == claimed + others


def test_twenty_workers_claim_each_job_exactly_once(db: QueueDatabase, database_url: str) -> None:
    bulk_insert.insert(db.link, (NewJob("t", queue="ab"[n % 2]) for n in range(3_000)), 3_000)
    workers = [db.worker() for _ in range(20)]

    def work(worker_id: int) -> list[int]:
        link = Database(database_url).open()
        statement = claim(
            worker_id=worker_id,
            executor="greenlet",
            queues=["a", "b"],
            unknown_tasks=[],
            jobs_max=7,
            slots_free=7,
        )
        claimed: list[int] = []
        while batch := run(link, statement):
            claimed += [attempt.id for attempt in batch]
        link.close()
        return claimed

    with ThreadPoolExecutor(len(workers)) as pool:
        claimed = [job_id for ids in pool.map(work, workers) for job_id in ids]

    assert 3_000 == len(claimed) == len(set(claimed))
    assert (3_000, 1, 1) == db.row(
        "select count(*), min(attempt), max(attempt) from pgqueue.jobs where status = 'running'"
    )


def _until_it_waits(db: QueueDatabase, other: Link) -> None:
    """Return when the other connection waits for a lock."""
    # Inside a transaction pg_stat_activity never changes, so pg_locks is read.
    statement = "select exists (select from pg_locks where pid = %(pid)s and not granted)"
    while db.row(statement, pid=other.raw.info.backend_pid) != (True,):
        pass


def test_only_the_quarantine_worker_claims_a_job_that_was_lost_twice(db: QueueDatabase) -> None:
    healthy, suspect = db.enqueue(), db.enqueue()
    db.change(suspect.id, lost_count=2)
    db.change(healthy.id, lost_count=1)

    shared = db.claim(db.worker())
    quarantined = db.claim(db.worker(quarantine=True))

    assert [healthy.id] == [attempt.id for attempt in shared]
    assert [suspect.id] == [attempt.id for attempt in quarantined]
