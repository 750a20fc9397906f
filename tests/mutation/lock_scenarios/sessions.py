"""Two sessions on one database, and the rows that they compete for."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import claiming
import psycopg
from queue_database import QueueDatabase

from pgqueue.core.lifecycle import Outcome
from pgqueue.store import settlements
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.store.settlements import Settlement
from pgqueue.store.statement import run

T = TypeVar("T")


class OtherSession:
    """The open transaction of another session."""

    def __init__(self, raw: "psycopg.Connection[Any]") -> None:
        self.raw = raw

    def locks(self, table: str, id: int, mode: str = "no key update") -> None:
        """Lock a row as *mode* says."""
        self.raw.execute(f"select from pgqueue.{table} where id = %s for {mode}".encode(), [id])

    def writes(self, text: str, *params: object) -> None:
        """Change rows."""
        self.raw.execute(text.encode(), params)

    def keeps_waiting(self, submitted: "Future[Any]") -> bool:
        """Whether a statement waits for this transaction; False when it has its answer."""
        deadline = time.monotonic() + 20
        waiters = "select pid from pg_locks where pg_backend_pid() = any(pg_blocking_pids(pid))"
        while not submitted.done():
            if self.raw.execute(waiters.encode()).fetchall():
                return True
            assert time.monotonic() < deadline, "neither answered nor waiting"
        return False

    def can_lock(self, table: str, id: int) -> bool:
        """Whether the row can be locked at once; the lock is rolled back."""
        try:
            with self.raw.transaction(force_rollback=True):
                self.locks(table, id, "update nowait")
        except psycopg.errors.LockNotAvailable:
            return False
        return True


@contextmanager
def another(db: QueueDatabase) -> Iterator[OtherSession]:
    """Another session on the database; what it has not committed is rolled back at the end."""
    info = db.link.raw.info
    with psycopg.connect(info.dsn, password=info.password) as raw:
        yield OtherSession(raw)
        raw.rollback()


@contextmanager
def submitted(db: QueueDatabase, statement: Any) -> Iterator["Future[Any]"]:
    """Run the statement on the connection of *db* in a thread; yields its future answer."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(run, db.link, statement)


def at_once(db: QueueDatabase, statement: Any) -> Any:
    """The answer to a statement that must not wait for a lock."""
    db.link.raw.execute("set lock_timeout = '300ms'")
    try:
        return run(db.link, statement)
    except psycopg.errors.LockNotAvailable:
        raise AssertionError("it waited for a lock") from None
    finally:
        db.link.raw.execute("set lock_timeout = '20s'")


def settle_statement(*claimed: ClaimedAttempt) -> Any:
    """The statement that settles attempts as succeeded."""
    return settlements.settle(
        Settlement(
            attempt.id, attempt.attempt, attempt.worker_id, Outcome.SUCCEEDED, waited_seconds=0.0
        )
        for attempt in claimed
    )


def end_leases(db: QueueDatabase, workers: Sequence[int]) -> None:
    """Let the leases of workers expire."""
    db.rows(
        "update pgqueue.workers set lease_until = clock_timestamp() - interval '1 s'"
        " where id = any(%(ids)s)",
        ids=list(workers),
    )


def use_table_scans(db: QueueDatabase) -> None:
    """Make the planner read tables whole, in the order of their rows."""
    # An index may return rows in order although the statement lacks its ORDER BY.
    for scan in ("indexscan", "indexonlyscan", "bitmapscan"):
        db.link.raw.execute(f"set enable_{scan} = off".encode())


def claim_statement(worker: int, jobs_max: int) -> Any:
    """The statement that claims jobs of the default queue."""
    return claiming.claim(
        worker_id=worker,
        executor="greenlet",
        queues=["default"],
        unknown_tasks=[],
        jobs_max=jobs_max,
        slots_free=jobs_max,
    )


def _moment(db: QueueDatabase, seconds: float) -> Any:
    return db.row("select clock_timestamp() - make_interval(secs => %(ago)s)", ago=seconds)[0]


def due_jobs(db: QueueDatabase, *ago: float) -> list[int]:
    """Scheduled jobs that fell due *ago* seconds ago."""
    ids = [db.enqueue(run_after=60).id for _ in ago]
    for job_id, seconds in zip(ids, ago, strict=True):
        db.change(job_id, run_at=_moment(db, seconds))
    return ids


def expired_jobs(db: QueueDatabase, *ago: float) -> list[int]:
    """Queued jobs that expired *ago* seconds ago."""
    ids = [db.enqueue().id for _ in ago]
    for job_id, seconds in zip(ids, ago, strict=True):
        db.change(job_id, expires_at=_moment(db, seconds))
    return ids


def finished_jobs(db: QueueDatabase, *ago: float) -> list[int]:
    """Finished jobs whose kept_until is *ago* seconds ago."""
    ids = [db.enqueue().id for _ in ago]
    for job_id, seconds in zip(ids, ago, strict=True):
        db.change(job_id, status="succeeded", kept_until=_moment(db, seconds))
    return ids
