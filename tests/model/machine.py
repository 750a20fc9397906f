"""Drawn sequences of the real statements, each compared with the model.

Each step runs one statement, as its real caller does, and predicts the answer by `protocol`. After
each step, every row must equal the model.
"""

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from model import protocol
from model.harness import (
    JOBS_MAX,
    KEPT,
    OPTIONS,
    SOME,
    STEPS,
    WORKERS_MAX,
    Entry,
    Options,
    claim_statement,
    settlement_of,
    step_when,
)
from model.upkeep_steps import UpkeepSteps
from model.worker_steps import WorkerSteps
from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.maintenance.rescue import rescue
from pgqueue.store import (
    jobs,
    promotion,
    settlements,
    workers,
)
from pgqueue.store.statement import Row, run

# The steps that are drawn more often than once: without them few jobs would get far.
WEIGHTS = {
    "enqueue": 3,
    "register": 3,
    "claim": 6,
    "start": 2,
    "settle": 3,
    "pass_lease_end": 2,
    "expire_leases": 6,
    "end_worker": 2,
    "rescue": 6,
    "promote": 6,
}


class Machine(WorkerSteps, UpkeepSteps):
    """The statements on one database, over two connections."""

    @initialize(jobs=st.lists(OPTIONS, min_size=JOBS_MAX, max_size=JOBS_MAX))
    def begin(self, jobs: Sequence[Options]) -> None:
        """Register two workers, one for quarantined jobs, and enqueue jobs."""
        tables = "pgqueue.jobs, pgqueue.attempts, pgqueue.logs, pgqueue.workers, pgqueue.contact"
        self._rows(f"truncate {tables} restart identity")
        self._register(1, is_quarantine=True)
        self._register(2, is_quarantine=False)
        for options in jobs:
            self._enqueue(options)

    # One rule for all steps: of many rules, Hypothesis omits some in each run, and few runs would
    # have all steps that a job needs.
    @rule(data=st.data())
    def take_step(self, data: st.DataObject) -> None:
        """Draw a step, and run it."""
        possible = [
            name
            for name, (when, _, _) in STEPS.items()
            if when(self)
            for _ in range(WEIGHTS.get(name, 1))
        ]
        name = data.draw(st.sampled_from(possible), label="next")
        _, method, drawn = STEPS[name]
        method(self, **data.draw(drawn, label=name))
        self.counts[name] += 1

    @step_when(lambda self: len(self._present()) < JOBS_MAX, options=OPTIONS)
    def enqueue(self, options: Options) -> None:
        """Enqueue a job."""
        self._enqueue(options)

    @step_when(
        lambda self: len(self._live()) < WORKERS_MAX,
        supervisor=st.integers(1, 2),
        is_quarantine=st.booleans(),
    )
    def register(self, supervisor: int, is_quarantine: bool) -> None:
        """Register a worker."""
        self._register(supervisor, is_quarantine=is_quarantine)

    @step_when(lambda self: self.all_entries, nths=SOME)
    def cancel(self, nths: Sequence[int]) -> None:
        """A cancel ends waiting jobs, and requests it of running ones."""
        expected: dict[int, JobStatus | None] = {}
        for entry in dict.fromkeys(map(self._entry, nths)):
            can = not entry.is_deleted and protocol.can_cancel(entry.job)
            if can:
                entry.job = protocol.cancelled(entry.job)
            expected[entry.id] = entry.job.status if can else None

        assert expected == run(self.link, jobs.cancel(jobs.JobSelection(expected)))

    @step_when(lambda self: self.all_entries, nths=SOME)
    def retry(self, nths: Sequence[int]) -> None:
        """A retry queues final and scheduled jobs."""
        expected: dict[int, JobStatus | None] = {}
        for entry in dict.fromkeys(map(self._entry, nths)):
            can = not entry.is_deleted and protocol.can_retry(entry.job)
            if can:
                entry.job = protocol.retried(entry.job)
            expected[entry.id] = entry.job.status if can else None

        assert expected == run(self.link, jobs.retry(jobs.JobSelection(expected)))

    @invariant()
    def agree(self) -> None:
        """Every row equals the model."""
        self.has_agreed = False
        job_rows = self._rows(_JOBS)
        for row in job_rows:
            self.all_entries[row[0]].position = row[1]
        assert sorted(map(_job_row, self._present())) == [(row[0], *row[2:]) for row in job_rows]
        records = [
            (entry.id, attempt, *record)
            for entry in self._present()
            for attempt, record in entry.records.items()
        ]
        assert sorted(records) == self._rows(_ATTEMPTS)
        self.counts.update(record[3] for record in records)
        rows = [
            (worker.id, worker.death.reason if worker.death else None)
            for worker in self.all_workers.values()
            if not worker.is_deleted
        ]
        assert sorted(rows) == self._rows("select id, stop_reason from pgqueue.workers order by id")
        self.has_agreed = True

    def teardown(self) -> None:
        """After the end of all workers, new workers finish all jobs."""
        if not self.has_agreed:
            return
        run(self.link, workers.end_workers([worker.id for worker in self._live()], "died", ""))
        rescue(self.link)
        fresh = [self._register(1, is_quarantine=is_quarantine) for is_quarantine in (False, True)]
        self._rows("update pgqueue.jobs set run_at = clock_timestamp() where status = 'scheduled'")
        run(self.link, promotion.promote(100))
        for worker in fresh:
            claimed = run(self.link, claim_statement(worker.id, JOBS_MAX, JOBS_MAX))
            ends = [settlement_of(attempt, Outcome.SUCCEEDED, True) for attempt in claimed]
            run(self.link, settlements.settle(ends))
        assert [] == self._rows("select id, status from pgqueue.jobs where finished_at is null")


_JOBS = """
select id, position, status, attempt, worker_id, failure_count, lost_count,
  cancel_requested_at is not null, finished_at is not null, kept_until is not null,
  deadline_at is not null
from pgqueue.jobs
order by id
"""


_ATTEMPTS = """
select job_id, attempt, worker_id, outcome, started_at is not null
from pgqueue.attempts
order by job_id, attempt
"""


def _job_row(entry: Entry) -> Row:
    job = entry.job
    return (
        entry.id,
        job.status,
        job.attempt,
        job.worker,
        job.failures,
        job.losses,
        job.is_cancelling,
        job.status.is_final,
        job.status in KEPT,
        job.is_running,
    )
