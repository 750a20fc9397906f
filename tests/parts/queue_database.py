"""One database, with shorthands for the statements of workers, supervisors and people."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import claiming
import psycopg
import registering

from pgqueue.core.job import Job
from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.core.new_job import NewJob
from pgqueue.store import enqueueing, jobs, settlements
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.store.connection.link import Link
from pgqueue.store.settlements import Settlement
from pgqueue.store.statement import run


class QueueDatabase:
    """One database, with shorthands for the statements of workers, supervisors and people."""

    def __init__(self, link: Link) -> None:
        self.link = link

    def worker(
        self,
        *,
        supervisor_id: int = 1,
        executor: str = "greenlet",
        lease_seconds: float = 60,
        quarantine: bool = False,
    ) -> int:
        """The id of a new live worker."""
        return registering.worker(
            self.link,
            supervisor_id=supervisor_id,
            executor=executor,
            lease_seconds=lease_seconds,
            quarantine=quarantine,
        )

    def worker_for(self, job_id: int) -> int:
        """The id of a new live worker of the kind that can run this job."""
        return self.worker(quarantine=self.job(job_id).lost_count >= 2)

    def enqueue(self, task: str = "shop.work", **options: Any) -> Job:
        """A new job."""
        return run(self.link, enqueueing.enqueue(NewJob(task, **options)))

    def claim(self, worker_id: int, *queues: str, **options: Any) -> list[ClaimedAttempt]:
        """The attempts that a worker claims."""
        params: dict[str, Any] = {
            "executor": "greenlet",
            "unknown_tasks": [],
            "jobs_max": 100,
            "slots_free": 100,
            **options,
        }
        return run(
            self.link,
            claiming.claim(worker_id=worker_id, queues=queues or ["default"], **params),
        )

    def claim_new(self, **options: Any) -> ClaimedAttempt:
        """An attempt of a new job, owned by a new worker."""
        job = self.enqueue(**options)
        claimed = self.claim(
            self.worker(), job.queue, executor=job.executor, jobs_max=1, slots_free=1
        )
        assert [job.id] == [attempt.id for attempt in claimed]
        return claimed[0]

    def settle(
        self, claimed: ClaimedAttempt, outcome: Outcome, **details: Any
    ) -> dict[tuple[int, int], JobStatus]:
        """The answer to the settlement of an attempt, which has started unless *details* differ."""
        fields = {"waited_seconds": 0.0, **details}
        settlement = Settlement(claimed.id, claimed.attempt, claimed.worker_id, outcome, **fields)
        return run(self.link, settlements.settle([settlement]))

    def job(self, job_id: int) -> Job:
        """The current row of a job."""
        job = run(self.link, jobs.job(job_id))
        assert job is not None
        return job

    def row(self, query: str, **params: object) -> tuple[Any, ...]:
        """The only row of a query."""
        rows = self.rows(query, **params)
        assert len(rows) == 1
        return rows[0]

    def rows(self, query: str, **params: object) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return list(self.link.fetch(self.link.schema.qualify(query), params))

    @contextmanager
    def locked(self, job_id: int, mode: str = "update") -> Iterator[None]:
        """Lock a job during the block, in another session's transaction, in this *mode*."""
        info = self.link.raw.info
        with psycopg.connect(info.dsn, password=info.password) as other:
            query = f"select from pgqueue.jobs where id = %s for {mode}"
            other.execute(self.link.schema.qualify(query).encode(), [job_id])
            yield
            other.rollback()

    def pass_time(self, column: str, seconds: float) -> None:
        """Make a moment of every job earlier by *seconds*."""
        self.rows(
            f"update pgqueue.jobs set {column} = {column}"
            " - make_interval(secs => %(seconds)s::float8)",
            seconds=seconds,
        )

    def change(self, job_id: int, **columns: object) -> None:
        """Write columns of a job's row without any check of the library."""
        changes = ", ".join(f"{name} = %({name})s" for name in columns)
        self.rows(f"update pgqueue.jobs set {changes} where id = %(id)s", id=job_id, **columns)
