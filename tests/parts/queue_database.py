"""One database at hand, with what a worker, a supervisor and a person would ask it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import claiming
import psycopg

from pgqueue.core.job import Job
from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.core.new_job import NewJob
from pgqueue.store import enqueueing, jobs, settlements, workers
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.store.connection.link import Link
from pgqueue.store.settlements import Settlement
from pgqueue.store.statement import run


class QueueDatabase:
    """One database with shorthands for what a worker, a supervisor and a person would do."""

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
        return run(
            self.link,
            workers.register_worker(
                supervisor_id=supervisor_id,
                executor=executor,
                slots=10,
                host="here",
                queues=["default"],
                lease_seconds=lease_seconds,
                quarantine=quarantine,
            ),
        )

    def worker_for(self, job_id: int) -> int:
        """The id of a new live worker of the kind that takes this job."""
        return self.worker(quarantine=self.job(job_id).lost_count >= 2)

    def enqueue(self, task: str = "shop.work", **options: Any) -> Job:
        """A new job."""
        return run(self.link, enqueueing.enqueue(NewJob(task, **options)))

    def claim(self, worker_id: int, *queues: str, **options: Any) -> list[ClaimedAttempt]:
        """What a worker gets when it claims."""
        asked: dict[str, Any] = {
            "executor": "greenlet",
            "unknown_tasks": [],
            "jobs_max": 100,
            "slots_free": 100,
            **options,
        }
        return run(
            self.link,
            claiming.claim(worker_id=worker_id, queues=queues or ["default"], **asked),
        )

    def claim_new(self, **options: Any) -> ClaimedAttempt:
        """An attempt of a new job, held by a new worker."""
        job = self.enqueue(**options)
        claimed = self.claim(
            self.worker(), job.queue, executor=job.executor, jobs_max=1, slots_free=1
        )
        assert [job.id] == [each.id for each in claimed]
        return claimed[0]

    def settle(
        self, held: ClaimedAttempt, outcome: Outcome, **details: Any
    ) -> dict[tuple[int, int], JobStatus]:
        """The answer to an attempt's end; a true start is assumed unless told otherwise."""
        asked = {"waited_seconds": 0.0, **details}
        ended = Settlement(held.id, held.attempt, held.worker_id, outcome, **asked)
        return run(self.link, settlements.settle([ended]))

    def job(self, job_id: int) -> Job:
        """The job as it stands."""
        found = run(self.link, jobs.job(job_id))
        assert found is not None
        return found

    def row(self, question: str, **params: object) -> tuple[Any, ...]:
        """The only row that SQL answers with."""
        rows = self.rows(question, **params)
        assert len(rows) == 1
        return rows[0]

    def rows(self, question: str, **params: object) -> list[tuple[Any, ...]]:
        """Every row that SQL answers with."""
        return list(self.link.fetch(self.link.schema.qualify(question), params))

    @contextmanager
    def locked(self, job_id: int, mode: str = "update") -> Iterator[None]:
        """Meanwhile, somebody else's open transaction has the job locked as *mode* says."""
        known = self.link.raw.info
        with psycopg.connect(known.dsn, password=known.password) as other:
            question = f"select from pgqueue.jobs where id = %s for {mode}"
            other.execute(self.link.schema.qualify(question).encode(), [job_id])
            yield
            other.rollback()

    def change(self, job_id: int, **columns: object) -> None:
        """Write columns of a job's row, past every rule."""
        changes = ", ".join(f"{name} = %({name})s" for name in columns)
        self.rows(f"update pgqueue.jobs set {changes} where id = %(id)s", id=job_id, **columns)
