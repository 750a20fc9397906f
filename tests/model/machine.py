"""Drawn sequences of the real statements, each compared with the model.

Every rule asks the database one thing, as its real caller does, foretells the answer from
`protocol`, and afterwards every row must be as the model says. Workers have no processes here:
what one has in hand is its real `Running`, its board is its real board, and a reply is lost by
not reading it. Nothing waits: leases end, and delays pass, by an update of the row.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from model import protocol
from model.protocol import WAITING, Death, End, Job
from pgqueue import task
from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.core.new_job import NewJob
from pgqueue.maintenance.rescue import rescue
from pgqueue.process.board import Board
from pgqueue.store import attempts, jobs, processes, upkeep
from pgqueue.store.attempts import Claimed, Ended, LoggedLine, Progress
from pgqueue.store.connect import Link
from pgqueue.store.statement import Row, Statement, run
from pgqueue.worker.account import take_account
from pgqueue.worker.running import Held, Running

_JOBS_MAX = 3
_WORKERS_MAX = 3
_KEPT = frozenset({JobStatus.SUCCEEDED, JobStatus.CANCELLED})


@task(name="model.work")
def _work() -> None: ...


_TASK: Any = _work


@dataclass(eq=False, slots=True)
class Entry:
    """What the model knows of a job: its row, those in `attempts`, and its options."""

    id: int
    job: Job
    priority: int
    is_kept: bool
    is_delayed: bool
    records: dict[int, tuple[int, Outcome, bool]] = field(default_factory=dict)
    position: int = 0
    is_deleted: bool = False

    def settle(self, token: Claimed, end: End) -> JobStatus:
        """Write an end of the open attempt."""
        self.job = protocol.settled(self.job, end)
        self.records[token.attempt] = (token.worker_id, end.outcome, end.is_started)
        if self.job.status is JobStatus.SUCCEEDED and not self.is_kept:
            self.is_deleted = True
        return self.job.status


@dataclass(eq=False, slots=True)
class Worker:
    """What the model knows of a worker; `death` tells how its row says that it ended."""

    id: int
    supervisor: int
    is_quarantine: bool
    board: Board
    running: Running
    death: Death | None = None
    is_late: bool = False
    is_deleted: bool = False


class Machine(RuleBasedStateMachine):
    """The statements on one database, asked over two connections."""

    entries = Bundle("entries")
    workers = Bundle("workers")
    tokens = Bundle("tokens")

    def __init__(self, link: Link, other: Link) -> None:
        super().__init__()
        self.link = link
        self.other = other
        self.all_entries: dict[int, Entry] = {}
        self.all_workers: dict[int, Worker] = {}
        self.has_agreed = False

    @initialize()
    def empty(self) -> None:
        """Begin with nothing."""
        tables = "pgqueue.jobs, pgqueue.attempts, pgqueue.logs, pgqueue.workers"
        self._rows(f"truncate {tables} restart identity")

    # What a producer and a supervisor begin.

    @precondition(lambda self: len(self._present()) < _JOBS_MAX)
    @rule(
        target=entries,
        max_attempts=st.integers(1, 3),
        is_once=st.booleans(),
        is_kept=st.booleans(),
        is_delayed=st.booleans(),
        priority=st.integers(0, 1),
    )
    def enqueue(
        self, max_attempts: int, is_once: bool, is_kept: bool, is_delayed: bool, priority: int
    ) -> Entry:
        """A new job."""
        new = NewJob(
            "model.work",
            priority=priority,
            max_attempts=max_attempts,
            delivery="at_most_once" if is_once else "at_least_once",
            keep_seconds=3600.0 if is_kept else 0.0,
            backoff_base_seconds=600.0 if is_delayed else 0.0,
        )
        row = run(self.link, jobs.enqueue(new))
        job = Job(max_attempts=max_attempts, is_once=is_once)
        entry = Entry(row.id, job, priority, is_kept, is_delayed)
        self.all_entries[row.id] = entry
        return entry

    @precondition(lambda self: len(self._live()) < _WORKERS_MAX)
    @rule(target=workers, supervisor=st.integers(1, 2), is_quarantine=st.booleans())
    def register(self, supervisor: int, is_quarantine: bool) -> Worker:
        """A new worker."""
        return self._registered(supervisor, is_quarantine)

    def _registered(self, supervisor: int, is_quarantine: bool) -> Worker:
        asked = processes.register_worker(
            supervisor_id=supervisor,
            executor="greenlet",
            slots=_JOBS_MAX,
            host="here",
            queues=["default"],
            lease_seconds=600.0,
            quarantine=is_quarantine,
        )
        board = Board(10)
        running = Running(slots=_JOBS_MAX, prefetch_max=0, settling_max=100, board=board)
        worker = Worker(run(self.link, asked), supervisor, is_quarantine, board, running)
        self.all_workers[worker.id] = worker
        return worker

    # What a worker asks.

    @rule(
        target=tokens,
        worker=workers,
        jobs_max=st.integers(1, _JOBS_MAX),
        slots_free=st.integers(0, _JOBS_MAX),
        is_heard=st.booleans(),
    )
    def claim(
        self, worker: Worker, jobs_max: int, slots_free: int, is_heard: bool
    ) -> MultipleResults[Claimed]:
        """It gets what is ready for it, in order; if it does not hear of that, the rows know."""
        ready = (
            []
            if worker.death
            else [
                each
                for each in self._present()
                if each.job.status is JobStatus.QUEUED
                and (each.job.losses >= 2) == worker.is_quarantine
            ]
        )
        ready.sort(key=lambda each: (-each.priority, each.position))
        expected = [
            each
            for place, each in enumerate(ready[:jobs_max], 1)
            if place <= slots_free or not each.job.is_once
        ]

        claimed = run(self.link, _claim(worker.id, jobs_max, slots_free))

        for each in expected:
            each.job = protocol.claimed(each.job, worker.id)
        assert [_open(each) for each in expected] == list(map(_token, claimed))
        if is_heard:
            worker.running.take_in(Held(each, _TASK, 0.0) for each in claimed)
        return multiple(*claimed)

    @rule(worker=workers)
    def account(self, worker: Worker) -> None:
        """It finds what it never heard of, and what is not its own any more."""
        in_hand = {held.token: held for held in worker.running.all()}
        mine = {
            (each.id, each.job.attempt)
            for each in self._present()
            if each.job.is_running and each.job.worker == worker.id
        }

        account = take_account(self.link, worker.running, worker.id)

        assert mine - in_hand.keys() == {(each.id, each.attempt) for each in account.unheard}
        assert in_hand.keys() - mine == {held.token for held in account.taken_away}
        worker.running.take_in(Held(each, _TASK, 0.0) for each in account.unheard)
        for held in account.taken_away:
            worker.running.settled(held.token)

    @rule(token=tokens)
    def start(self, token: Claimed) -> None:
        """Its board tells of what it starts."""
        held = self._held(token)
        if held is not None and held.started_at is None:
            self.all_workers[token.worker_id].running.started(held)

    @rule(
        ended=st.lists(tokens, min_size=1, max_size=3, unique_by=id),
        outcome=st.sampled_from(Outcome),
        is_started=st.booleans(),
        is_retryable=st.booleans(),
        delay_seconds=st.sampled_from([None, 0.0, 600.0]),
        is_heard=st.booleans(),
    )
    def settle(
        self,
        ended: Sequence[Claimed],
        outcome: Outcome,
        is_started: bool,
        is_retryable: bool,
        delay_seconds: float | None,
        is_heard: bool,
    ) -> None:
        """What is open is ended, what is over is left alone, in one batch."""
        expected = {}
        for token in ended:
            if (entry := self._entry_held(token)) is not None:
                is_delayed = entry.is_delayed if delay_seconds is None else delay_seconds > 0
                end = End(outcome, is_started, is_retryable, is_delayed)
                expected[token.id, token.attempt] = entry.settle(token, end)

        answer = run(
            self.link,
            attempts.settle(
                replace(
                    _ended(token, outcome, is_started),
                    retryable=is_retryable,
                    delay_seconds=delay_seconds,
                )
                for token in ended
            ),
        )

        assert expected == answer
        for token in ended if is_heard else ():
            self._out_of_hand(token)

    @rule(token=tokens)
    def settle_locked(self, token: Claimed) -> None:
        """What somebody else has locked is still held, and asked again."""
        is_held = self._entry_held(token) is not None

        with self.other.transaction():
            self._lock_all()
            answer = run(self.link, attempts.settle([_ended(token, Outcome.FAILED, True)]))

        assert ({(token.id, token.attempt): None} if is_held else {}) == answer

    @rule(token=tokens, commits=st.booleans())
    def complete(self, token: Claimed, commits: bool) -> None:
        """A task settles itself in its own transaction, which commits or not."""
        entry = self._entry_held(token)

        with self.other.transaction():
            is_held = run(self.other, attempts.hold(*_token(token)))
            ended = _ended(token, Outcome.SUCCEEDED, True)
            answer = run(self.other, attempts.settle([ended]))
            assert (entry is not None) == is_held == bool(answer)
            if not commits:
                raise psycopg.Rollback

        if entry is not None and commits:
            entry.settle(token, End(Outcome.SUCCEEDED, True))

    @rule(token=tokens)
    def tell(self, token: Claimed) -> None:
        """Lines and progress are written for what is held, and for nothing else."""
        expected = int(self._entry_held(token) is not None)

        line = LoggedLine(*_token(token), 0.0, "INFO", "model", "half way")
        lines = run(self.link, attempts.log([line]))
        told = run(self.link, attempts.tell_progress([Progress(*_token(token), 0.5, "")]))

        assert (expected, expected) == (lines, told)

    # What supervisors and maintenance ask.

    @rule(supervisor=st.integers(1, 2))
    def renew(self, supervisor: int) -> None:
        """A supervisor hears which of its workers are alive."""
        mine = [each for each in self._live() if each.supervisor == supervisor]

        alive = run(self.link, processes.renew(supervisor, 600.0))

        assert {each.id for each in mine} == alive
        for each in mine:
            each.is_late = False

    @rule(worker=workers)
    def end_lease(self, worker: Worker) -> None:
        """Its supervisor was silent for too long."""
        worker.is_late = True
        self._rows(
            "update pgqueue.workers set lease_until = clock_timestamp() - interval '1 s'"
            " where id = %(id)s",
            id=worker.id,
        )

    @rule()
    def give_up_silent(self) -> None:
        """Whose lease has ended is given up; its process may know nothing of it."""
        late = [each for each in self._live() if each.is_late]

        buried = run(self.link, processes.bury_silent())

        assert {each.id for each in late} == set(buried)
        for each in late:
            each.death = Death("silent")

    @rule(
        worker=workers,
        reason=st.sampled_from(["finished", "stopped", "died", "overdue"]),
        token=tokens,
        is_known=st.booleans(),
    )
    def bury(self, worker: Worker, reason: str, token: Claimed, is_known: bool) -> None:
        """Its supervisor writes down how it ended, and what its board told."""
        started = worker.board.started() if is_known else None
        overdue = token.id if reason == "overdue" else None
        expected = [] if worker.death else [worker.id]

        burial = processes.bury(
            [worker.id], reason, "", overdue_job_id=overdue, started_job_ids=started
        )

        assert expected == run(self.link, burial)
        if expected:
            worker.death = Death(reason, None if started is None else frozenset(started), overdue)

    @rule(worker=workers)
    def lose_row(self, worker: Worker) -> None:
        """Somebody deletes a worker's row, by hand."""
        self._rows("delete from pgqueue.workers where id = %(id)s", id=worker.id)
        worker.death = Death()
        worker.is_deleted = True

    @rule()
    def rescue(self) -> None:
        """What ended workers had is settled as their ends say."""
        for entry, death in self._stranded():
            assert entry.job.worker is not None
            end = replace(protocol.stranded(entry.id, death), is_delayed=entry.is_delayed)
            entry.settle(_claimed(entry), end)

        assert rescue(self.link) is False

    @rule()
    def rescue_locked(self) -> None:
        """What somebody else has locked is left for the next rescue."""
        with self.other.transaction():
            self._lock_all()
            assert rescue(self.link) is False

    @rule()
    def promote(self) -> None:
        """All delays have passed."""
        due = self._with_status(JobStatus.SCHEDULED)
        self._rows("update pgqueue.jobs set run_at = clock_timestamp() where status = 'scheduled'")

        assert len(due) == run(self.link, upkeep.promote(100))
        for each in due:
            each.job = protocol.promoted(each.job)

    @rule(entry=entries)
    def expire(self, entry: Entry) -> None:
        """A job that waits has waited too long."""
        is_waiting = not entry.is_deleted and entry.job.status in WAITING
        self._rows(
            "update pgqueue.jobs set expires_at = clock_timestamp()"
            " where id = %(id)s and status in ('queued', 'scheduled')",
            id=entry.id,
        )

        assert int(is_waiting) == run(self.link, upkeep.expire(100))
        if is_waiting:
            entry.job = replace(entry.job, status=JobStatus.CANCELLED)

    @rule()
    def prune(self) -> None:
        """The time of all that is not to be kept for ever is over."""
        over = self._with_status(*_KEPT)
        self._rows(
            "update pgqueue.jobs set kept_until = clock_timestamp() where kept_until is not null"
        )

        assert len(over) == run(self.link, upkeep.prune(100))
        for each in over:
            each.is_deleted = True

    @rule()
    def prune_workers(self) -> None:
        """A worker's row stays as long as its jobs run."""
        busy = {each.job.worker for each in self._with_status(JobStatus.RUNNING)}
        over = [
            each
            for each in self.all_workers.values()
            if each.death and not each.is_deleted and each.id not in busy
        ]

        assert len(over) == run(self.link, upkeep.prune_workers(0.0))
        for each in over:
            each.is_deleted = True

    # What a person asks.

    @rule(asked=st.lists(entries, min_size=1, max_size=3, unique_by=id))
    def cancel(self, asked: Sequence[Entry]) -> None:
        """What waits is cancelled, what runs is asked."""
        expected: dict[int, JobStatus | None] = {}
        for each in asked:
            can = not each.is_deleted and protocol.can_cancel(each.job)
            if can:
                each.job = protocol.cancelled(each.job)
            expected[each.id] = each.job.status if can else None

        assert expected == run(self.link, jobs.cancel(expected))

    @rule(asked=st.lists(entries, min_size=1, max_size=3, unique_by=id))
    def retry(self, asked: Sequence[Entry]) -> None:
        """What is over, or waits for its time, is queued again."""
        expected: dict[int, JobStatus | None] = {}
        for each in asked:
            can = not each.is_deleted and protocol.can_retry(each.job)
            if can:
                each.job = protocol.retried(each.job)
            expected[each.id] = each.job.status if can else None

        assert expected == run(self.link, jobs.retry(expected))

    # What must be so after each of these.

    @invariant()
    def agree(self) -> None:
        """Every row is as the model says."""
        self.has_agreed = False
        found = self._rows(_JOBS)
        for row in found:
            self.all_entries[row[0]].position = row[1]
        assert sorted(map(_job_row, self._present())) == [(row[0], *row[2:]) for row in found]
        records = [
            (each.id, attempt, *record)
            for each in self._present()
            for attempt, record in each.records.items()
        ]
        assert sorted(records) == self._rows(_ATTEMPTS)
        rows = [
            (each.id, each.death.reason if each.death else None)
            for each in self.all_workers.values()
            if not each.is_deleted
        ]
        assert sorted(rows) == self._rows("select id, stop_reason from pgqueue.workers order by id")
        self.has_agreed = True

    def teardown(self) -> None:
        """Whatever was drawn, all jobs end once their workers are dead and others come."""
        if not self.has_agreed:
            return
        run(self.link, processes.bury([each.id for each in self._live()], "died", ""))
        rescue(self.link)
        fresh = [self._registered(1, is_quarantine) for is_quarantine in (False, True)]
        self._rows("update pgqueue.jobs set run_at = clock_timestamp() where status = 'scheduled'")
        run(self.link, upkeep.promote(100))
        for worker in fresh:
            claimed = run(self.link, _claim(worker.id, _JOBS_MAX, _JOBS_MAX))
            ends = [_ended(each, Outcome.SUCCEEDED, True) for each in claimed]
            run(self.link, attempts.settle(ends))
        assert [] == self._rows("select id, status from pgqueue.jobs where finished_at is null")

    # What the rules look up.

    def _present(self) -> list[Entry]:
        return [each for each in self.all_entries.values() if not each.is_deleted]

    def _with_status(self, *statuses: JobStatus) -> list[Entry]:
        return [each for each in self._present() if each.job.status in statuses]

    def _live(self) -> list[Worker]:
        return [each for each in self.all_workers.values() if not each.death]

    def _stranded(self) -> list[tuple[Entry, Death]]:
        return [
            (each, death)
            for each in self._with_status(JobStatus.RUNNING)
            if each.job.worker is not None and (death := self.all_workers[each.job.worker].death)
        ]

    def _entry_held(self, token: Claimed) -> Entry | None:
        entry = self.all_entries[token.id]
        is_held = not entry.is_deleted and entry.job.is_held(token.attempt, token.worker_id)
        return entry if is_held else None

    def _held(self, token: Claimed) -> Held | None:
        return self.all_workers[token.worker_id].running.find((token.id, token.attempt))

    def _out_of_hand(self, token: Claimed) -> None:
        self.all_workers[token.worker_id].running.settled((token.id, token.attempt))

    def _lock_all(self) -> None:
        self.other.fetch("select from pgqueue.jobs for no key update", {})

    def _rows(self, text: str, **params: object) -> list[Row]:
        return list(self.link.fetch(text, params))


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
        job.status in _KEPT,
        job.is_running,
    )


def _open(entry: Entry) -> tuple[int, int, int | None]:
    return entry.id, entry.job.attempt, entry.job.worker


def _token(claimed: Claimed) -> tuple[int, int, int]:
    return claimed.id, claimed.attempt, claimed.worker_id


def _claimed(entry: Entry) -> Claimed:
    assert entry.job.worker is not None
    return Claimed(entry.id, entry.job.attempt, entry.job.worker, "", "", "", None)


def _ended(token: Claimed, outcome: Outcome, is_started: bool) -> Ended:
    return Ended(*_token(token), outcome, waited_seconds=0.0 if is_started else None)


def _claim(worker_id: int, jobs_max: int, slots_free: int) -> Statement[list[Claimed]]:
    return attempts.claim(
        worker_id=worker_id,
        executor="greenlet",
        queues=["default"],
        unknown_tasks=[],
        jobs_max=jobs_max,
        slots_free=slots_free,
    )
