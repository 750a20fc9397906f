"""The steps of supervisors and of maintenance: leases, rescue, promotion, expiry, pruning."""

from dataclasses import replace

from hypothesis import strategies as st

from model import protocol
from model.harness import (
    KEPT,
    NTH,
    Harness,
    claimed_attempt,
    step_when,
)
from model.protocol import WAITING, Death
from pgqueue.core.lifecycle import JobStatus
from pgqueue.maintenance.rescue import rescue
from pgqueue.store import (
    promotion,
    retention,
    supervisors,
    workers,
)
from pgqueue.store.statement import run


class UpkeepSteps(Harness):
    """The statements of supervisors and of maintenance, each compared with the model."""

    @step_when(lambda self: self._with_status(JobStatus.RUNNING), supervisor=st.integers(1, 2))
    def renew(self, supervisor: int) -> None:
        """A renewal returns the live workers of the supervisor."""
        mine = [worker for worker in self._live() if worker.supervisor == supervisor]

        own_ids = [
            worker.id for worker in self.all_workers.values() if worker.supervisor == supervisor
        ]
        renewal = run(self.link, supervisors.renew(supervisor, own_ids, 600.0))

        assert ({worker.id for worker in mine}, set()) == (renewal.renewed_ids, renewal.foreign_ids)
        for worker in mine:
            worker.is_late = False

    @step_when(lambda self: self._with_status(JobStatus.RUNNING), nth=NTH)
    def pass_lease_end(self, nth: int) -> None:
        """The lease of a worker expires."""
        worker = self._worker(nth)
        worker.is_late = True
        self._rows(
            "update pgqueue.workers set lease_until = clock_timestamp() - interval '1 s'"
            " where id = %(id)s",
            id=worker.id,
        )

    @step_when(lambda self: any(worker.is_late for worker in self._live()))
    def pass_outage(self) -> None:
        """No supervisor reaches the database for a day."""
        self.is_after_outage = True
        self._rows(
            "insert into pgqueue.contact (contact_at) values (clock_timestamp() - interval '1 day')"
            " on conflict (is_only) do update set contact_at = excluded.contact_at"
        )

    @step_when(lambda self: any(worker.is_late for worker in self._live()))
    def expire_leases(self) -> None:
        """Workers with an expired lease are ended in their rows, unless an outage is over."""
        late = [worker for worker in self._live() if worker.is_late]

        ended_ids = run(self.link, workers.expire_leases(600.0))

        if self.is_after_outage:
            self.is_after_outage = False
            assert [] == ended_ids
            for worker in late:
                worker.is_late = False
            return

        assert {worker.id for worker in late} == set(ended_ids)
        for worker in late:
            worker.death = Death("lease_expired")

    @step_when(
        lambda self: self._with_status(JobStatus.RUNNING),
        nth=NTH,
        reason=st.sampled_from(["finished", "stopped", "died", "overdue"]),
        nth_token=NTH,
        is_known=st.booleans(),
    )
    def end_worker(self, nth: int, reason: str, nth_token: int, is_known: bool) -> None:
        """A supervisor ends a worker's row, with the jobs of its scoreboard."""
        worker = self._worker(nth)
        started = worker.scoreboard.started() if is_known else None
        overdue = self._token(nth_token).id if reason == "overdue" else None
        expected = [] if worker.death else [worker.id]

        statement = workers.end_workers(
            [worker.id], reason, "", overdue_job_id=overdue, started_job_ids=started
        )

        assert expected == run(self.link, statement)
        if expected:
            worker.death = Death(reason, None if started is None else frozenset(started), overdue)

    @step_when(lambda self: self._with_status(JobStatus.RUNNING), nth=NTH)
    def delete_worker_row(self, nth: int) -> None:
        """A person deletes the row of a worker."""
        worker = self._worker(nth)
        self._rows("delete from pgqueue.workers where id = %(id)s", id=worker.id)
        worker.death = Death()
        worker.is_deleted = True

    @step_when(lambda self: self._orphaned())
    def rescue(self) -> None:
        """The rescue settles the jobs of ended workers."""
        for entry, death in self._orphaned():
            assert entry.job.worker is not None
            end = replace(protocol.orphan_end(entry.id, death), is_delayed=entry.options.is_delayed)
            entry.settle(claimed_attempt(entry), end)

        assert rescue(self.link) is False

    @step_when(lambda self: self._orphaned())
    def rescue_locked(self) -> None:
        """The rescue skips locked jobs."""
        with self.other.transaction():
            self._lock_all()
            assert rescue(self.link) is False

    @step_when(lambda self: self._with_status(JobStatus.SCHEDULED))
    def promote(self) -> None:
        """Promotion queues the due jobs."""
        due = self._with_status(JobStatus.SCHEDULED)
        self._rows("update pgqueue.jobs set run_at = clock_timestamp() where status = 'scheduled'")

        assert len(due) == run(self.link, promotion.promote(100))
        for entry in due:
            entry.job = protocol.promoted(entry.job)

    @step_when(lambda self: self._with_status(*WAITING, JobStatus.RUNNING), nth=NTH)
    def expire(self, nth: int) -> None:
        """Expiry cancels a waiting job, and no started one."""
        entry = self._entry(nth)
        is_waiting = not entry.is_deleted and entry.job.status in WAITING
        update = "update pgqueue.jobs set expires_at = {} where id = %(id)s"
        self._rows(update.format("clock_timestamp()"), id=entry.id)

        assert int(is_waiting) == run(self.link, retention.expire(100))
        self._rows(update.format("null"), id=entry.id)
        if is_waiting:
            entry.job = replace(entry.job, status=JobStatus.CANCELLED)

    @step_when(lambda self: self._with_status(*KEPT))
    def prune(self) -> None:
        """Pruning deletes the jobs whose time is over."""
        over = self._with_status(*KEPT)
        self._rows(
            "update pgqueue.jobs set kept_until = clock_timestamp() where kept_until is not null"
        )

        assert len(over) == run(self.link, retention.prune(100))
        for item in over:
            item.is_deleted = True

    @step_when(lambda self: len(self._live()) < len(self.all_workers))
    def prune_workers(self) -> None:
        """Pruning deletes the rows of ended workers without running jobs."""
        busy = {entry.job.worker for entry in self._with_status(JobStatus.RUNNING)}
        over = [
            worker
            for worker in self.all_workers.values()
            if worker.death and not worker.is_deleted and worker.id not in busy
        ]

        assert len(over) == run(self.link, retention.prune_workers(0.0))
        for item in over:
            item.is_deleted = True
