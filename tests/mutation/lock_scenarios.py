"""What a statement does about rows that somebody else has, as sentences its locks make true."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import claiming
import psycopg
from queue_database import QueueDatabase

from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.store import (
    claims,
    logs,
    progress,
    promotion,
    retention,
    settlements,
    supervisors,
    workers,
)
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.store.logs import NewLogLine
from pgqueue.store.progress import Progress
from pgqueue.store.settlements import Settlement
from pgqueue.store.statement import run

T = TypeVar("T")
Scenario = Callable[[QueueDatabase], None]

SCENARIOS: dict[str, list[Scenario]] = {}


def of(file: str) -> Callable[[Scenario], Scenario]:
    """Enter a scenario for the statement in this file."""

    def enter(scenario: Scenario) -> Scenario:
        SCENARIOS.setdefault(file, []).append(scenario)
        return scenario

    return enter


class Other:
    """Somebody else's open transaction."""

    def __init__(self, raw: "psycopg.Connection[Any]") -> None:
        self.raw = raw

    def locks(self, table: str, id: int, mode: str = "no key update") -> None:
        """Lock a row as *mode* says."""
        self.raw.execute(f"select from pgqueue.{table} where id = %s for {mode}".encode(), [id])

    def writes(self, text: str, *params: object) -> None:
        """Change rows."""
        self.raw.execute(text.encode(), params)

    def keeps_waiting(self, asked: "Future[Any]") -> bool:
        """Whether what was asked waits for this transaction; False when it was answered."""
        until = time.monotonic() + 20
        waiters = "select pid from pg_locks where pg_backend_pid() = any(pg_blocking_pids(pid))"
        while not asked.done():
            if self.raw.execute(waiters.encode()).fetchall():
                return True
            assert time.monotonic() < until, "neither answered nor waiting"
        return False

    def can_lock(self, table: str, id: int) -> bool:
        """Whether nobody else has that row; tried without waiting, and let go."""
        try:
            with self.raw.transaction(force_rollback=True):
                self.locks(table, id, "update nowait")
        except psycopg.errors.LockNotAvailable:
            return False
        return True


@contextmanager
def another(db: QueueDatabase) -> Iterator[Other]:
    """Somebody else on the same database; rolled back in the end, if not committed before."""
    known = db.link.raw.info
    with psycopg.connect(known.dsn, password=known.password) as raw:
        yield Other(raw)
        raw.rollback()


@contextmanager
def asked(db: QueueDatabase, statement: Any) -> Iterator["Future[Any]"]:
    """Meanwhile, the statement is asked on the db's connection."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(run, db.link, statement)


def at_once(db: QueueDatabase, statement: Any) -> Any:
    """The answer to a statement that must wait for nobody."""
    db.link.raw.execute("set lock_timeout = '300ms'")
    try:
        return run(db.link, statement)
    except psycopg.errors.LockNotAvailable:
        raise AssertionError("it waited for a lock") from None
    finally:
        db.link.raw.execute("set lock_timeout = '20s'")


def _ends(*held: ClaimedAttempt) -> Any:
    return settlements.settle(
        Settlement(each.id, each.attempt, each.worker_id, Outcome.SUCCEEDED, waited_seconds=0.0)
        for each in held
    )


def _lapse(db: QueueDatabase, workers: Sequence[int]) -> None:
    db.rows(
        "update pgqueue.workers set lease_until = clock_timestamp() - interval '1 s'"
        " where id = any(%(ids)s)",
        ids=list(workers),
    )


def _by_scan(db: QueueDatabase) -> None:
    # Else an index may give the order that the statement forgot to ask for.
    for way in ("indexscan", "indexonlyscan", "bitmapscan"):
        db.link.raw.execute(f"set enable_{way} = off".encode())


# What others have is left for another time.


@of("settle")
def an_end_whose_job_somebody_has_is_told_so_and_the_others_are_settled(
    db: QueueDatabase,
) -> None:
    taken, free = db.claim_new(), db.claim_new()
    with another(db) as other:
        other.locks("jobs", taken.id)

        answer = at_once(db, _ends(taken, free))

    assert {(taken.id, 1): None, (free.id, 1): JobStatus.SUCCEEDED} == answer


@of("settle")
def a_job_to_be_deleted_that_somebody_refers_to_is_told_so_and_the_others_are_settled(
    db: QueueDatabase,
) -> None:
    referred, free = db.claim_new(keep_seconds=0.0), db.claim_new(keep_seconds=0.0)
    with another(db) as other:
        other.locks("jobs", referred.id, "key share")

        answer = at_once(db, _ends(referred, free))

    assert {(referred.id, 1): None, (free.id, 1): JobStatus.SUCCEEDED} == answer


@of("add_log_lines")
def a_line_of_a_job_that_somebody_deletes_is_dropped_and_of_one_that_he_changes_is_written(
    db: QueueDatabase,
) -> None:
    deleted, changed = db.claim_new(keep_seconds=0.0), db.claim_new(keep_seconds=0.0)
    lines = [
        NewLogLine(each.id, 1, each.worker_id, 0.0, "INFO", "shop", "half", 1)
        for each in (deleted, changed)
    ]
    with another(db) as other:
        other.locks("jobs", deleted.id, "update")
        other.locks("jobs", changed.id, "no key update")

        at_once(db, logs.add_log_lines(lines))

    assert [(changed.id,)] == db.rows("select job_id from pgqueue.logs")


@of("write_progress")
def progress_of_a_job_that_somebody_has_is_dropped(db: QueueDatabase) -> None:
    taken, free = db.claim_new(), db.claim_new()
    told = [Progress(each.id, 1, each.worker_id, 0.5, "half") for each in (taken, free)]
    with another(db) as other:
        other.locks("jobs", taken.id)

        at_once(db, progress.write_progress(told))

    assert (None, 0.5) == (db.job(taken.id).progress, db.job(free.id).progress)


@of("claim")
def a_job_that_somebody_has_is_passed_over(db: QueueDatabase) -> None:
    taken, free, worker = db.enqueue(), db.enqueue(), db.worker()
    with another(db) as other:
        other.locks("jobs", taken.id)

        claimed = at_once(db, _claim(worker, 1))

    assert [free.id] == [each.id for each in claimed]


@of("promote")
def what_is_due_and_somebody_has_is_passed_over(db: QueueDatabase) -> None:
    taken, free = _due(db, 2, 1)
    with another(db) as other:
        other.locks("jobs", taken)

        assert 1 == at_once(db, promotion.promote(1))

    assert [JobStatus.SCHEDULED, JobStatus.QUEUED] == [
        db.job(each).status for each in (taken, free)
    ]


@of("first_scheduled")
def what_is_due_and_somebody_has_is_not_named(db: QueueDatabase) -> None:
    _first_that_nobody_has(db, _due, promotion.first_scheduled)


@of("first_expired")
def what_expired_and_somebody_has_is_not_named(db: QueueDatabase) -> None:
    _first_that_nobody_has(db, _late, retention.first_expired)


@of("first_prunable")
def what_is_over_and_somebody_has_is_not_named(db: QueueDatabase) -> None:
    _first_that_nobody_has(db, _over, retention.first_prunable)


def _first_that_nobody_has(
    db: QueueDatabase, put_in: Callable[..., list[int]], first: Callable[[Sequence[int]], Any]
) -> None:
    free, taken = put_in(db, 1, 2)
    _by_scan(db)
    with another(db) as other:
        other.locks("jobs", taken)

        assert free == at_once(db, first([]))

    assert taken == run(db.link, first([]))


@of("expire")
def what_expired_and_somebody_has_is_passed_over(db: QueueDatabase) -> None:
    taken, free = _late(db, 2, 1)
    with another(db) as other:
        other.locks("jobs", taken)

        assert 1 == at_once(db, retention.expire(1))

    assert [JobStatus.QUEUED, JobStatus.CANCELLED] == [
        db.job(each).status for each in (taken, free)
    ]


@of("prune")
def what_is_over_and_somebody_has_is_passed_over(db: QueueDatabase) -> None:
    taken, _ = _over(db, 2, 1)
    with another(db) as other:
        other.locks("jobs", taken)

        assert 1 == at_once(db, retention.prune(1))

    assert [(taken,)] == db.rows("select id from pgqueue.jobs")


@of("expire_leases")
def a_silent_worker_whose_row_somebody_has_is_passed_over(db: QueueDatabase) -> None:
    claims, renewed, free = ids = [db.worker() for _ in range(3)]
    _lapse(db, ids)
    with another(db) as other:
        other.locks("workers", claims, "key share")
        other.locks("workers", renewed)

        assert [free] == at_once(db, workers.expire_leases())


# In which order.


@of("claim")
def the_first_by_priority_and_position_are_claimed_first(db: QueueDatabase) -> None:
    late, early, urgent = (db.enqueue(priority=each) for each in (0, 0, 1))
    for each in (late, urgent):
        db.change(each.id, position=each.position + 10)
    _by_scan(db)

    claimed = run(db.link, _claim(db.worker(), 2))

    assert [urgent.id, early.id] == [each.id for each in claimed]


@of("promote")
def what_fell_due_first_is_promoted_first(db: QueueDatabase) -> None:
    late, early = _due(db, 1, 2)
    _by_scan(db)

    run(db.link, promotion.promote(1))

    assert [JobStatus.SCHEDULED, JobStatus.QUEUED] == [
        db.job(each).status for each in (late, early)
    ]


@of("expire")
def what_expired_first_is_cancelled_first(db: QueueDatabase) -> None:
    late, early = _late(db, 1, 2)
    _by_scan(db)

    run(db.link, retention.expire(1))

    assert [JobStatus.QUEUED, JobStatus.CANCELLED] == [
        db.job(each).status for each in (late, early)
    ]


@of("prune")
def what_was_over_first_is_pruned_first(db: QueueDatabase) -> None:
    late, _ = _over(db, 1, 2)
    _by_scan(db)

    run(db.link, retention.prune(1))

    assert [(late,)] == db.rows("select id from pgqueue.jobs")


def _in_order_of_id(db: QueueDatabase, ask: Callable[[list[int]], Any]) -> None:
    first, second = workers = [db.worker() for _ in range(2)]
    # Behind the second in the table.
    db.rows("update pgqueue.workers set pid = 7 where id = %(id)s", id=first)
    _by_scan(db)
    with another(db) as other:
        other.locks("workers", first)
        with asked(db, ask(workers)) as answer:
            assert other.keeps_waiting(answer)
            free = other.can_lock("workers", second)
            other.raw.rollback()

        assert free
        assert set(workers) == set(answer.result())


@of("renew_leases")
def leases_are_renewed_in_the_order_of_workers(db: QueueDatabase) -> None:
    _in_order_of_id(db, lambda _: supervisors.renew(1, 60))


@of("end_workers")
def workers_are_buried_in_their_order(db: QueueDatabase) -> None:
    _in_order_of_id(db, lambda ids: workers.end_workers(ids, "died", ""))


# What others are about to do is waited for, and seen.


def _holds(held: ClaimedAttempt) -> Any:
    return claims.lock_attempt(held.id, held.attempt, held.worker_id)


@of("lock_attempt")
def an_attempt_that_is_being_taken_away_is_not_held(db: QueueDatabase) -> None:
    held = db.claim_new()
    with another(db) as other:
        other.writes("update pgqueue.jobs set status = 'queued' where id = %s", held.id)
        with asked(db, _holds(held)) as answer:
            other.keeps_waiting(answer)
            other.raw.commit()

    assert answer.result() is False


@of("lock_attempt")
def an_attempt_that_somebody_only_looked_at_is_held(db: QueueDatabase) -> None:
    held = db.claim_new()
    with another(db) as other:
        other.locks("jobs", held.id)
        with asked(db, _holds(held)) as answer:
            other.keeps_waiting(answer)
            other.raw.rollback()

    assert answer.result() is True


@of("renew_leases")
def a_worker_that_is_being_given_up_is_not_told_as_alive(db: QueueDatabase) -> None:
    given_up, alive = db.worker(), db.worker()
    with another(db) as other:
        other.writes("update pgqueue.workers set stopped_at = now() where id = %s", given_up)
        with asked(db, supervisors.renew(1, 60)) as answer:
            other.keeps_waiting(answer)
            other.raw.commit()

    assert {alive} == answer.result()


@of("renew_leases")
def a_worker_whose_row_somebody_has_is_renewed_after_all(db: QueueDatabase) -> None:
    worker = db.worker()
    with another(db) as other:
        other.locks("workers", worker)
        with asked(db, supervisors.renew(1, 60)) as answer:
            other.keeps_waiting(answer)
            other.raw.rollback()

    assert {worker} == answer.result()


@of("renew_leases")
def a_lease_is_renewed_beside_a_claim(db: QueueDatabase) -> None:
    worker = db.worker()
    with another(db) as other:
        other.locks("workers", worker, "key share")

        assert {worker} == at_once(db, supervisors.renew(1, 60))


@of("end_workers")
def a_burial_waits_for_the_claim_under_way(db: QueueDatabase) -> None:
    worker = db.worker()
    with another(db) as other:
        other.locks("workers", worker, "key share")
        with asked(db, workers.end_workers([worker], "died", "")) as answer:
            has_waited = other.keeps_waiting(answer)
            other.raw.rollback()

    assert has_waited
    assert [worker] == answer.result()


@of("claim")
def a_worker_that_is_being_given_up_claims_nothing(db: QueueDatabase) -> None:
    worker = db.worker()
    db.enqueue()
    with another(db) as other:
        other.writes("select from pgqueue.workers where id = %s for update", worker)
        other.writes("update pgqueue.workers set stopped_at = now() where id = %s", worker)
        with asked(db, _claim(worker, 1)) as answer:
            other.keeps_waiting(answer)
            other.raw.commit()

    assert [] == answer.result()


@of("claim")
def a_worker_that_is_not_given_up_after_all_claims(db: QueueDatabase) -> None:
    worker, job = db.worker(), db.enqueue()
    with another(db) as other:
        other.locks("workers", worker, "update")
        with asked(db, _claim(worker, 1)) as answer:
            other.keeps_waiting(answer)
            other.raw.rollback()

    assert [job.id] == [each.id for each in answer.result()]


@of("claim")
def a_claim_goes_on_beside_a_renewal(db: QueueDatabase) -> None:
    worker, job = db.worker(), db.enqueue()
    with another(db) as other:
        other.locks("workers", worker)

        assert [job.id] == [each.id for each in at_once(db, _claim(worker, 1))]


def _claim(worker: int, jobs_max: int) -> Any:
    return claiming.claim(
        worker_id=worker,
        executor="greenlet",
        queues=["default"],
        unknown_tasks=[],
        jobs_max=jobs_max,
        slots_free=jobs_max,
    )


def _ago(db: QueueDatabase, seconds: float) -> Any:
    return db.row("select clock_timestamp() - make_interval(secs => %(ago)s)", ago=seconds)[0]


def _due(db: QueueDatabase, *ago: float) -> list[int]:
    """Scheduled jobs that fell due so many seconds ago."""
    made = [db.enqueue(run_after=60).id for _ in ago]
    for job_id, seconds in zip(made, ago, strict=True):
        db.change(job_id, run_at=_ago(db, seconds))
    return made


def _late(db: QueueDatabase, *ago: float) -> list[int]:
    """Queued jobs that expired so many seconds ago."""
    made = [db.enqueue().id for _ in ago]
    for job_id, seconds in zip(made, ago, strict=True):
        db.change(job_id, expires_at=_ago(db, seconds))
    return made


def _over(db: QueueDatabase, *ago: float) -> list[int]:
    """Final jobs that were kept until so many seconds ago."""
    made = [db.enqueue().id for _ in ago]
    for job_id, seconds in zip(made, ago, strict=True):
        db.change(job_id, status="succeeded", kept_until=_ago(db, seconds))
    return made
