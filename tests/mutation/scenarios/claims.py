"""A claim takes only ready jobs, for a live worker."""

from queue_database import QueueDatabase
from settling import token

from mutation.scenarios.registry import finished_attempt, of, wrong_tokens
from pgqueue.store import claims, workers
from pgqueue.store.statement import run


@of("claim")
def a_worker_claims_only_ready_jobs_that_it_can_run(db: QueueDatabase) -> None:
    worker = db.worker()
    ready, lasting = db.enqueue(), db.enqueue(expires_after_seconds=60)
    others = [
        db.enqueue(run_after=60),
        db.enqueue(queue="mail"),
        db.enqueue(executor="process"),
        db.enqueue("shop.unknown"),
        db.enqueue(expires_after_seconds=60),
    ]
    quarantined = db.enqueue()
    db.change(quarantined.id, lost_count=2)
    db.change(others[-1].id, expires_at=db.row("select clock_timestamp()")[0])

    claimed = db.claim(worker, unknown_tasks=["shop.unknown"])

    assert [ready.id, lasting.id] == [attempt.id for attempt in claimed]
    states = {job.id: db.job(job.id).attempt for job in (*others, quarantined)}
    assert {0} == set(states.values())
    assert 1 == db.job(ready.id).attempt


@of("claim")
def a_worker_that_ended_or_does_not_exist_claims_nothing(db: QueueDatabase) -> None:
    ended, alive = db.worker(), db.worker()
    run(db.link, workers.end_workers([ended], "died", ""))
    job = db.enqueue()

    assert [] == db.claim(ended)
    assert [] == db.claim(alive + 1)
    assert [alive] == [attempt.worker_id for attempt in db.claim(alive)]
    assert 1 == db.job(job.id).attempt


@of("claim")
def a_prefetch_ends_before_an_at_most_once_job(db: QueueDatabase) -> None:
    worker = db.worker()
    deliveries = ("at_most_once", "at_least_once", "at_most_once", "at_least_once")
    jobs = [db.enqueue(delivery=delivery) for delivery in deliveries]

    claimed = db.claim(worker, jobs_max=4, slots_free=1)

    assert [jobs[0].id, jobs[1].id] == [attempt.id for attempt in claimed]
    assert [1, 1, 0, 0] == [db.job(job.id).attempt for job in jobs]


@of("claim")
def a_key_range_starts_after_its_cursor_and_ends_with_its_priority(db: QueueDatabase) -> None:
    worker = db.worker()
    before, inside, *beyond = [db.enqueue(priority=priority) for priority in (3, 3, 2, 1, 4)]
    key_range = claims.KeyRange("default", 3, before.position, 2)
    statement = claims.claim(
        worker_id=worker,
        executor="greenlet",
        key_ranges=[key_range],
        unknown_tasks=[],
        jobs_max=9,
        slots_free=9,
    )

    claimed = run(db.link, statement).claimed

    assert [inside.id, beyond[0].id] == [attempt.id for attempt in claimed]


_COMPRESSED = f'{{"text": "{"x" * 50_000}"}}'
_ARGS = f'{{"text": "{"x" * 50}"}}'


@of("claim")
def a_claim_ends_where_the_arguments_are_too_many_bytes(db: QueueDatabase) -> None:
    worker, ids = db.worker(), [db.enqueue(args=_ARGS).id for _ in range(3)]

    assert ids[:1] == [attempt.id for attempt in db.claim(worker, args_bytes_max=10)]
    assert ids[1:] == [attempt.id for attempt in db.claim(worker, args_bytes_max=500)]


@of("claim")
def compressed_arguments_count_by_the_length_of_their_text(db: QueueDatabase) -> None:
    worker, ids = db.worker(), [db.enqueue(args=_COMPRESSED).id for _ in range(3)]

    claimed = db.claim(worker, args_bytes_max=120_000)

    assert ids[:2] == [attempt.id for attempt in claimed]


@of("read_claimed")
def compressed_arguments_are_read_by_the_length_of_their_text(db: QueueDatabase) -> None:
    claimed = [db.claim_new(args=_COMPRESSED) for _ in range(2)]
    db.change(claimed[1].id, worker_id=claimed[0].worker_id)
    keys = [(attempt.id, attempt.attempt) for attempt in claimed]

    rows = run(db.link, claims.read_claimed(claimed[0].worker_id, keys, 90_000))

    assert [claimed[0].id] == [row.id for row in rows]


@of("read_claimed")
def attempts_are_read_for_their_owner_in_portions(db: QueueDatabase) -> None:
    claimed = [db.claim_new(args=_ARGS) for _ in range(3)]
    worker_id = claimed[0].worker_id
    db.change(claimed[1].id, worker_id=worker_id)
    db.change(claimed[2].id, worker_id=worker_id, attempt=2)
    other, finished = db.claim_new(), finished_attempt(db)
    db.change(finished.id, worker_id=worker_id)
    keys = [(attempt.id, attempt.attempt) for attempt in (*claimed, other, finished)]

    def read(args_bytes_max: int) -> list[int]:
        rows = run(db.link, claims.read_claimed(worker_id, keys, args_bytes_max))
        return [row.id for row in rows]

    assert [claimed[0].id] == read(10)
    assert [claimed[0].id, claimed[1].id] == read(500)


@of("lock_attempt")
def only_the_owner_of_an_active_attempt_can_lock_it(db: QueueDatabase) -> None:
    claimed, finished = db.claim_new(), finished_attempt(db)

    assert run(db.link, claims.lock_attempt(*token(claimed)))
    for wrong in wrong_tokens(claimed):
        assert not run(db.link, claims.lock_attempt(*token(wrong)))
    assert not run(db.link, claims.lock_attempt(*token(finished)))


@of("claims_of_worker")
def the_claims_of_a_worker_are_its_own_active_attempts(db: QueueDatabase) -> None:
    claimed, _, finished = db.claim_new(), db.claim_new(), finished_attempt(db)
    db.change(finished.id, worker_id=claimed.worker_id)

    assert [claimed.id] == [
        attempt.id for attempt in run(db.link, claims.claims_of(claimed.worker_id))
    ]
