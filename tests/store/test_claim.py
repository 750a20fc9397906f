"""What a worker gets when it claims, in which order, and what it never gets."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from claiming import claim

from pgqueue.core.lifecycle import JobStatus
from pgqueue.core.new_job import NewJob
from pgqueue.store import bulk_insert, supervisors, workers
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run

if TYPE_CHECKING:
    from tests.store.conftest import QueueDatabase

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


def test_queues_are_taken_in_the_order_given_then_priority_then_position(
    db: "QueueDatabase",
) -> None:
    wanted = [
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

    claimed = [each.id for each in db.claim(db.worker(), "high", "low")]

    low_urgent, first, urgent, low, second, last, most_urgent = wanted
    assert [most_urgent, urgent, first, second, last, low_urgent, low] == claimed


def test_a_full_first_queue_leaves_nothing_for_the_second(db: "QueueDatabase") -> None:
    for queue in ("low", "high", "low", "high", "high"):
        db.enqueue(queue=queue, priority=100 if queue == "low" else 0)

    claimed = db.claim(db.worker(), "high", "low", jobs_max=3)

    assert ["high"] * 3 == [each.queue for each in claimed]


def test_a_claim_counts_the_attempt_and_starts_the_clock(db: "QueueDatabase") -> None:
    job = db.enqueue(timeout_seconds=90.0, args='{"a": [1, "ü"]}')
    worker_id = db.worker()

    [held] = db.claim(worker_id)

    row = db.job(job.id)
    assert (job.id, 1, worker_id, "shop.work", '{"a": [1, "ü"]}', "default", 90.0) == (
        held.id,
        held.attempt,
        held.worker_id,
        held.task,
        held.args,
        held.queue,
        held.timeout_seconds,
    )
    assert (JobStatus.RUNNING, 1, worker_id) == (row.status, row.attempt, row.worker_id)
    assert row.started_at is not None
    assert row.deadline_at is not None
    assert abs(row.deadline_at - row.started_at - timedelta(seconds=90)) < timedelta(seconds=1)


def test_a_job_without_a_timeout_has_no_deadline(db: "QueueDatabase") -> None:
    held = db.claim_new(timeout_seconds=None)

    assert db.job(held.id).deadline_at is None


def test_progress_begins_anew_with_each_attempt(db: "QueueDatabase") -> None:
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
def test_a_job_that_is_not_for_this_worker_is_left(
    db: "QueueDatabase", options: dict[str, object]
) -> None:
    left = db.enqueue(**options)
    taken = db.enqueue()

    claimed = db.claim(db.worker(), unknown_tasks=["shop.unknown", "shop.other"])

    assert [taken.id] == [each.id for each in claimed]
    assert left == db.job(left.id)


def test_a_job_that_expired_is_not_started(db: "QueueDatabase") -> None:
    job = db.enqueue(expires_after_seconds=60.0)
    db.rows("update pgqueue.jobs set expires_at = clock_timestamp()")

    assert [] == db.claim(db.worker())
    assert JobStatus.QUEUED == db.job(job.id).status


@pytest.mark.parametrize("off", [(), *combinations(PLANNER, 1), *combinations(PLANNER, 2)], ids=str)
def test_the_limit_and_the_order_hold_under_every_plan(
    db: "QueueDatabase", off: tuple[str, ...]
) -> None:
    # The planner may otherwise run a sub-select once per row and claim without an end.
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

    assert expected == [each.id for each in claimed]
    assert (25,) == db.row("select count(*) from pgqueue.jobs where status = 'running'")


def test_a_prefetch_goes_past_the_free_slots_up_to_an_at_most_once_job(
    db: "QueueDatabase",
) -> None:
    jobs = [
        db.enqueue(delivery="at_most_once" if n in (0, 4) else "at_least_once") for n in range(6)
    ]

    claimed = db.claim(db.worker(), jobs_max=6, slots_free=2)

    # Nothing overtakes it either: for as long as a backlog lasted, it would never start.
    assert [jobs[n].id for n in (0, 1, 2, 3)] == [each.id for each in claimed]
    assert {("queued", 0)} == {
        (job.status, job.attempt) for job in (db.job(jobs[n].id) for n in (4, 5))
    }


def test_a_worker_that_was_given_up_claims_nothing(db: "QueueDatabase") -> None:
    db.enqueue()
    worker_id = db.worker()
    run(db.link, workers.end_workers([worker_id], "died", "killed by a test"))

    assert [] == db.claim(worker_id)
    assert [] == db.claim(worker_id + 1)


@pytest.mark.own_session
def test_a_burial_waits_for_a_claim_under_way_and_sees_its_jobs(
    db: "QueueDatabase", other_link: Link
) -> None:
    db.enqueue()
    worker_id = db.worker()

    with ThreadPoolExecutor(1) as pool:
        with db.link.transaction():
            [held] = db.claim(worker_id)
            buried = pool.submit(
                run, other_link, workers.end_workers([worker_id], "died", "killed by a test")
            )
            _until_it_waits(db, other_link)
            is_buried_too_early = buried.done()

        assert [worker_id] == buried.result(timeout=10)

    assert is_buried_too_early is False
    assert (held.id, JobStatus.RUNNING) == (held.id, db.job(held.id).status)


@pytest.mark.own_session
def test_a_claim_waits_for_a_burial_under_way_and_gets_nothing(
    db: "QueueDatabase", other_link: Link
) -> None:
    db.enqueue()
    worker_id = db.worker()
    asked = claim(
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
            claimed = pool.submit(run, other_link, asked)
            _until_it_waits(db, other_link)

        assert [] == claimed.result(timeout=10)


def test_a_renewal_does_not_wait_for_a_claim_under_way(
    db: "QueueDatabase", other_link: Link
) -> None:
    worker_id = db.worker(supervisor_id=7)

    with db.link.transaction():
        db.claim(worker_id)

        assert {worker_id} == run(other_link, supervisors.renew(7, 60))


def test_a_claim_passes_over_jobs_that_another_claim_holds(
    db: "QueueDatabase", other_link: Link
) -> None:
    jobs = [db.enqueue() for _ in range(4)]
    first, second = db.worker(), db.worker()

    with db.link.transaction():
        claimed = [each.id for each in db.claim(first, jobs_max=2)]
        asked = claim(
            worker_id=second,
            executor="greenlet",
            queues=["default"],
            unknown_tasks=[],
            jobs_max=4,
            slots_free=4,
        )
        others = [each.id for each in run(other_link, asked)]

    assert [job.id for job in jobs] == claimed + others


def test_twenty_workers_claim_each_job_exactly_once(db: "QueueDatabase", database_url: str) -> None:
    bulk_insert.insert(db.link, (NewJob("t", queue="ab"[n % 2]) for n in range(3_000)), 3_000)
    workers = [db.worker() for _ in range(20)]

    def work(worker_id: int) -> list[int]:
        link = Database(database_url).open()
        asked = claim(
            worker_id=worker_id,
            executor="greenlet",
            queues=["a", "b"],
            unknown_tasks=[],
            jobs_max=7,
            slots_free=7,
        )
        claimed: list[int] = []
        while some := run(link, asked):
            claimed += [each.id for each in some]
        link.close()
        return claimed

    with ThreadPoolExecutor(len(workers)) as pool:
        claimed = [job_id for ids in pool.map(work, workers) for job_id in ids]

    assert 3_000 == len(claimed) == len(set(claimed))
    assert (3_000, 1, 1) == db.row(
        "select count(*), min(attempt), max(attempt) from pgqueue.jobs where status = 'running'"
    )


def _until_it_waits(db: "QueueDatabase", other: Link) -> None:
    """Come back when the other connection waits for a lock."""
    # Not pg_stat_activity: inside a transaction it answers the same for ever.
    asked = "select exists (select from pg_locks where pid = %(pid)s and not granted)"
    while db.row(asked, pid=other.raw.info.backend_pid) != (True,):
        pass


def test_a_job_that_cost_two_workers_is_for_the_quarantine_worker_alone(
    db: "QueueDatabase",
) -> None:
    healthy, suspect = db.enqueue(), db.enqueue()
    db.change(suspect.id, lost_count=2)
    db.change(healthy.id, lost_count=1)

    shared = db.claim(db.worker())
    quarantined = db.claim(db.worker(quarantine=True))

    assert [healthy.id] == [each.id for each in shared]
    assert [suspect.id] == [each.id for each in quarantined]
