"""Drawn sequences of the real statements, each compared with the model.

Each happening asks the database one thing, as its real caller does, foretells the answer from
`protocol`, and afterwards every row must be as the model says. Workers have no processes here:
what one has in hand is its real `Running`, its board is its real board, and a reply is lost by
not reading it. Nothing waits: leases end, and delays pass, by an update of the row.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any, Final, NamedTuple, TypeVar

import claiming
import psycopg
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from model import protocol
from model.protocol import WAITING, Death, End, Job
from pgqueue import task
from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.core.new_job import NewJob
from pgqueue.maintenance.rescue import rescue
from pgqueue.process.scoreboard import Scoreboard
from pgqueue.store import (
    claims,
    enqueueing,
    jobs,
    logs,
    progress,
    promotion,
    retention,
    settlements,
    supervisors,
    workers,
)
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.store.connection.link import Link
from pgqueue.store.logs import NewLogLine
from pgqueue.store.progress import Progress
from pgqueue.store.settlements import Settlement
from pgqueue.store.statement import Row, Statement, run
from pgqueue.worker.in_flight import ActiveAttempt, InFlight
from pgqueue.worker.reconciliation import reconcile

_JOBS_MAX = 3
_WORKERS_MAX = 3

# Which one it happens to: the first of these are what it most often would be, the others stale.
_NTH = st.integers(0, 4)
_SOME = st.lists(_NTH, min_size=1, max_size=3, unique=True)

_KEPT = frozenset({JobStatus.SUCCEEDED, JobStatus.CANCELLED})


@task(name="model.work")
def _work() -> None: ...


_TASK: Any = _work


class Options(NamedTuple):
    """What a job is enqueued with; `losses` tells how many workers it has cost before."""

    priority: int
    max_attempts: int
    losses: int
    is_once: bool
    is_kept: bool
    is_delayed: bool


_OPTIONS = st.builds(
    Options,
    priority=st.integers(0, 1),
    max_attempts=st.integers(1, 4),
    losses=st.integers(0, 2),
    is_once=st.booleans(),
    is_kept=st.booleans(),
    is_delayed=st.booleans(),
)


@dataclass(eq=False, slots=True)
class Entry:
    """What the model knows of a job: its row, those in `attempts`, and its options."""

    id: int
    job: Job
    options: Options
    records: dict[int, tuple[int, Outcome, bool]] = field(default_factory=dict)
    position: int = 0
    is_deleted: bool = False

    def settle(self, token: ClaimedAttempt, end: End) -> JobStatus:
        """Write an end of the open attempt."""
        self.job = protocol.settled(self.job, end)
        self.records[token.attempt] = (token.worker_id, end.outcome, end.is_started)
        if self.job.status is JobStatus.SUCCEEDED and not self.options.is_kept:
            self.is_deleted = True
        return self.job.status


@dataclass(eq=False, slots=True)
class Worker:
    """What the model knows of a worker; `death` tells how its row says that it ended."""

    id: int
    supervisor: int
    is_quarantine: bool
    scoreboard: Scoreboard
    running: InFlight
    death: Death | None = None
    is_late: bool = False
    is_deleted: bool = False


Condition = Callable[["Machine"], object]
Happening = tuple[Condition, Callable[..., None], st.SearchStrategy[dict[str, Any]]]
Method = TypeVar("Method", bound=Callable[..., None])

HAPPENINGS: Final[dict[str, Happening]] = {}

# How often a thing is drawn that is not drawn as seldom as the rest: jobs have to live to tell.
_WEIGHTS = {
    "enqueue": 3,
    "register": 3,
    "claim": 6,
    "start": 2,
    "settle": 3,
    "end_lease": 2,
    "give_up_silent": 6,
    "bury": 2,
    "rescue": 6,
    "promote": 6,
}


def _can_happen(when: Condition, **drawn: st.SearchStrategy[Any]) -> Callable[[Method], Method]:
    """Marks what may be drawn as the next thing to happen, and with what."""

    def mark(method: Method) -> Method:
        HAPPENINGS[method.__name__] = (when, method, st.fixed_dictionaries(drawn))
        return method

    return mark


class Machine(RuleBasedStateMachine):
    """The statements on one database, asked over two connections.

    Args:
        seen: Counts what happened, and each outcome as long as its row is there.
    """

    def __init__(self, link: Link, other: Link, seen: Counter[str]) -> None:
        super().__init__()
        self.seen = seen
        self.link = link
        self.other = other
        self.all_entries: dict[int, Entry] = {}
        self.all_workers: dict[int, Worker] = {}
        self.tokens: list[ClaimedAttempt] = []
        self.tells = 0
        self.has_agreed = False

    @initialize(jobs=st.lists(_OPTIONS, min_size=_JOBS_MAX, max_size=_JOBS_MAX))
    def begin(self, jobs: Sequence[Options]) -> None:
        """Two workers, one for quarantined jobs, and something to do."""
        tables = "pgqueue.jobs, pgqueue.attempts, pgqueue.logs, pgqueue.workers"
        self._rows(f"truncate {tables} restart identity")
        self._register(1, is_quarantine=True)
        self._register(2, is_quarantine=False)
        for options in jobs:
            self._enqueue(options)

    # One rule for all: of many, Hypothesis leaves some out of each run, and hardly a run would
    # have what a job's life takes.
    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        """Something happens."""
        possible = [
            name
            for name, (when, _, _) in HAPPENINGS.items()
            if when(self)
            for _ in range(_WEIGHTS.get(name, 1))
        ]
        name = data.draw(st.sampled_from(possible), label="next")
        _, method, drawn = HAPPENINGS[name]
        method(self, **data.draw(drawn, label=name))
        self.seen[name] += 1

    # What a producer and a supervisor begin.

    @_can_happen(lambda self: len(self._present()) < _JOBS_MAX, options=_OPTIONS)
    def enqueue(self, options: Options) -> None:
        """A new job."""
        self._enqueue(options)

    @_can_happen(
        lambda self: len(self._live()) < _WORKERS_MAX,
        supervisor=st.integers(1, 2),
        is_quarantine=st.booleans(),
    )
    def register(self, supervisor: int, is_quarantine: bool) -> None:
        """A new worker."""
        self._register(supervisor, is_quarantine=is_quarantine)

    def _enqueue(self, options: Options) -> None:
        new = NewJob(
            "model.work",
            priority=options.priority,
            max_attempts=options.max_attempts,
            delivery="at_most_once" if options.is_once else "at_least_once",
            keep_seconds=3600.0 if options.is_kept else 0.0,
            backoff_base_seconds=600.0 if options.is_delayed else 0.0,
        )
        row = run(self.link, enqueueing.enqueue(new))
        self._rows(
            "update pgqueue.jobs set lost_count = %(losses)s where id = %(id)s",
            losses=options.losses,
            id=row.id,
        )
        job = Job(losses=options.losses, max_attempts=options.max_attempts, is_once=options.is_once)
        self.all_entries[row.id] = Entry(row.id, job, options)

    def _register(self, supervisor: int, *, is_quarantine: bool) -> Worker:
        asked = workers.register_worker(
            supervisor_id=supervisor,
            executor="greenlet",
            slots=_JOBS_MAX,
            host="here",
            queues=["default"],
            lease_seconds=600.0,
            quarantine=is_quarantine,
        )
        scoreboard = Scoreboard(10)
        running = InFlight(slots=_JOBS_MAX, prefetch_max=0, settling_max=100, scoreboard=scoreboard)
        worker = Worker(run(self.link, asked), supervisor, is_quarantine, scoreboard, running)
        self.all_workers[worker.id] = worker
        return worker

    # What a worker asks.

    @_can_happen(
        lambda self: self._with_status(JobStatus.QUEUED),
        nth=_NTH,
        jobs_max=st.integers(1, _JOBS_MAX),
        slots_free=st.integers(0, _JOBS_MAX),
        is_heard=st.booleans(),
    )
    def claim(self, nth: int, jobs_max: int, slots_free: int, is_heard: bool) -> None:
        """It gets what is ready for it, in order; if it does not hear of that, the rows know."""
        worker = self._worker(nth, likely=self._ready)
        ready = self._ready(worker)
        placed = enumerate(ready[:jobs_max], 1)
        expected = [
            each
            for _, each in takewhile(
                lambda placed: placed[0] <= slots_free or not placed[1].job.is_once, placed
            )
        ]

        claimed = run(self.link, _claim(worker.id, jobs_max, slots_free))

        for each in expected:
            each.job = protocol.claimed(each.job, worker.id)
        assert [_open(each) for each in expected] == list(map(_token, claimed))
        if is_heard:
            worker.running.take_in((ActiveAttempt(each, _TASK, 0.0) for each in claimed), 0)
        self.tokens += claimed

    @_can_happen(lambda self: self.tokens, nth=_NTH)
    def reconciliation(self, nth: int) -> None:
        """It finds what it never heard of, and what is not its own any more."""
        worker = self._worker(nth)
        in_hand = {held.token: held for held in worker.running.all()}
        mine = {
            (each.id, each.job.attempt)
            for each in self._present()
            if each.job.is_running and each.job.worker == worker.id
        }

        reconciliation = reconcile(self.link, worker.running, worker.id)

        assert mine - in_hand.keys() == {
            (each.id, each.attempt) for each in reconciliation.unknown_claims
        }
        assert in_hand.keys() - mine == {held.token for held in reconciliation.taken_away}
        worker.running.take_in(
            (ActiveAttempt(each, _TASK, 0.0) for each in reconciliation.unknown_claims), 0
        )
        for held in reconciliation.taken_away:
            worker.running.settled(held.token)

    @_can_happen(lambda self: self.tokens, nth=_NTH)
    def start(self, nth: int) -> None:
        """Its board tells of what it starts."""
        token = self._token(nth)
        held = self._held(token)
        if held is not None and held.started_at is None:
            self.all_workers[token.worker_id].running.started(held)

    @_can_happen(
        lambda self: self.tokens,
        nths=_SOME,
        outcome=st.sampled_from(Outcome),
        is_started=st.booleans(),
        is_retryable=st.booleans(),
        delay_seconds=st.sampled_from([None, 0.0, 600.0]),
        is_heard=st.booleans(),
    )
    def settle(
        self,
        nths: Sequence[int],
        outcome: Outcome,
        is_started: bool,
        is_retryable: bool,
        delay_seconds: float | None,
        is_heard: bool,
    ) -> None:
        """What is open is ended, what is over is left alone, in one batch."""
        ended = list({_token(each): each for each in map(self._token, nths)}.values())
        expected = {}
        for token in ended:
            if (entry := self._entry_held(token)) is not None:
                is_delayed = (
                    entry.options.is_delayed if delay_seconds is None else delay_seconds > 0
                )
                end = End(outcome, is_started, is_retryable, is_delayed)
                expected[token.id, token.attempt] = entry.settle(token, end)

        answer = run(
            self.link,
            settlements.settle(
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

    @_can_happen(lambda self: self.tokens, nth=_NTH)
    def settle_locked(self, nth: int) -> None:
        """What somebody else has locked is still held, and asked again."""
        token = self._token(nth)
        is_held = self._entry_held(token) is not None

        with self.other.transaction():
            self._lock_all()
            answer = run(self.link, settlements.settle([_ended(token, Outcome.FAILED, True)]))

        assert ({(token.id, token.attempt): None} if is_held else {}) == answer

    @_can_happen(lambda self: self.tokens, nth=_NTH, commits=st.booleans())
    def complete(self, nth: int, commits: bool) -> None:
        """A task settles itself in its own transaction, which commits or not."""
        token = self._token(nth)
        entry = self._entry_held(token)

        with self.other.transaction():
            is_held = run(self.other, claims.lock_attempt(*_token(token)))
            ended = _ended(token, Outcome.SUCCEEDED, True)
            answer = run(self.other, settlements.settle([ended]))
            assert (entry is not None) == is_held == bool(answer)
            if not commits:
                raise psycopg.Rollback

        if entry is not None and commits:
            entry.settle(token, End(Outcome.SUCCEEDED, True))

    @_can_happen(lambda self: self.tokens)
    def tell(self) -> None:
        """Of all attempts there were, those are locked and written about that are held."""
        self.tells += 1
        # The newest first, so that what an older one must not write would be seen.
        tokens = list(map(_token, reversed(self.tokens)))
        held = [_token(each) for each in reversed(self.tokens) if self._entry_held(each)]
        said = {each: f"{self.tells} {each}" for each in tokens}

        lines = [NewLogLine(*each, 0.0, "INFO", "model", said[each], self.tells) for each in tokens]
        run(self.link, logs.add_log_lines(lines))
        for each in tokens:
            run(self.link, progress.write_progress([Progress(*each, 0.5, said[each])]))

        for question in _TOLD:
            found = self._rows(question, said=list(said.values()))
            assert sorted((each[0], said[each]) for each in held) == found
        assert held == [each for each in tokens if run(self.link, claims.lock_attempt(*each))]

    # What supervisors and maintenance ask.

    @_can_happen(lambda self: self._with_status(JobStatus.RUNNING), supervisor=st.integers(1, 2))
    def renew(self, supervisor: int) -> None:
        """A supervisor hears which of its workers are alive."""
        mine = [each for each in self._live() if each.supervisor == supervisor]

        alive = run(self.link, supervisors.renew(supervisor, 600.0))

        assert {each.id for each in mine} == alive
        for each in mine:
            each.is_late = False

    @_can_happen(lambda self: self._with_status(JobStatus.RUNNING), nth=_NTH)
    def end_lease(self, nth: int) -> None:
        """Its supervisor was silent for too long."""
        worker = self._worker(nth)
        worker.is_late = True
        self._rows(
            "update pgqueue.workers set lease_until = clock_timestamp() - interval '1 s'"
            " where id = %(id)s",
            id=worker.id,
        )

    @_can_happen(lambda self: any(each.is_late for each in self._live()))
    def give_up_silent(self) -> None:
        """Whose lease has ended is given up; its process may know nothing of it."""
        late = [each for each in self._live() if each.is_late]

        buried = run(self.link, workers.expire_leases())

        assert {each.id for each in late} == set(buried)
        for each in late:
            each.death = Death("lease_expired")

    @_can_happen(
        lambda self: self._with_status(JobStatus.RUNNING),
        nth=_NTH,
        reason=st.sampled_from(["finished", "stopped", "died", "overdue"]),
        nth_token=_NTH,
        is_known=st.booleans(),
    )
    def bury(self, nth: int, reason: str, nth_token: int, is_known: bool) -> None:
        """Its supervisor writes down how it ended, and what its board told."""
        worker = self._worker(nth)
        started = worker.scoreboard.started() if is_known else None
        overdue = self._token(nth_token).id if reason == "overdue" else None
        expected = [] if worker.death else [worker.id]

        burial = workers.end_workers(
            [worker.id], reason, "", overdue_job_id=overdue, started_job_ids=started
        )

        assert expected == run(self.link, burial)
        if expected:
            worker.death = Death(reason, None if started is None else frozenset(started), overdue)

    @_can_happen(lambda self: self._with_status(JobStatus.RUNNING), nth=_NTH)
    def lose_row(self, nth: int) -> None:
        """Somebody deletes a worker's row, by hand."""
        worker = self._worker(nth)
        self._rows("delete from pgqueue.workers where id = %(id)s", id=worker.id)
        worker.death = Death()
        worker.is_deleted = True

    @_can_happen(lambda self: self._stranded())
    def rescue(self) -> None:
        """What ended workers had is settled as their ends say."""
        for entry, death in self._stranded():
            assert entry.job.worker is not None
            end = replace(protocol.stranded(entry.id, death), is_delayed=entry.options.is_delayed)
            entry.settle(_claimed(entry), end)

        assert rescue(self.link) is False

    @_can_happen(lambda self: self._stranded())
    def rescue_locked(self) -> None:
        """What somebody else has locked is left for the next rescue."""
        with self.other.transaction():
            self._lock_all()
            assert rescue(self.link) is False

    @_can_happen(lambda self: self._with_status(JobStatus.SCHEDULED))
    def promote(self) -> None:
        """All delays have passed."""
        due = self._with_status(JobStatus.SCHEDULED)
        self._rows("update pgqueue.jobs set run_at = clock_timestamp() where status = 'scheduled'")

        assert len(due) == run(self.link, promotion.promote(100))
        for each in due:
            each.job = protocol.promoted(each.job)

    @_can_happen(lambda self: self._with_status(*WAITING, JobStatus.RUNNING), nth=_NTH)
    def expire(self, nth: int) -> None:
        """A job that waits has waited too long; one that was started in time goes on."""
        entry = self._entry(nth)
        is_waiting = not entry.is_deleted and entry.job.status in WAITING
        update = "update pgqueue.jobs set expires_at = {} where id = %(id)s"
        self._rows(update.format("clock_timestamp()"), id=entry.id)

        assert int(is_waiting) == run(self.link, retention.expire(100))
        self._rows(update.format("null"), id=entry.id)
        if is_waiting:
            entry.job = replace(entry.job, status=JobStatus.CANCELLED)

    @_can_happen(lambda self: self._with_status(*_KEPT))
    def prune(self) -> None:
        """The time of all that is not to be kept for ever is over."""
        over = self._with_status(*_KEPT)
        self._rows(
            "update pgqueue.jobs set kept_until = clock_timestamp() where kept_until is not null"
        )

        assert len(over) == run(self.link, retention.prune(100))
        for each in over:
            each.is_deleted = True

    @_can_happen(lambda self: len(self._live()) < len(self.all_workers))
    def prune_workers(self) -> None:
        """A worker's row stays as long as its jobs run."""
        busy = {each.job.worker for each in self._with_status(JobStatus.RUNNING)}
        over = [
            each
            for each in self.all_workers.values()
            if each.death and not each.is_deleted and each.id not in busy
        ]

        assert len(over) == run(self.link, retention.prune_workers(0.0))
        for each in over:
            each.is_deleted = True

    # What a person asks.

    @_can_happen(lambda self: self.all_entries, nths=_SOME)
    def cancel(self, nths: Sequence[int]) -> None:
        """What waits is cancelled, what runs is asked."""
        expected: dict[int, JobStatus | None] = {}
        for each in dict.fromkeys(map(self._entry, nths)):
            can = not each.is_deleted and protocol.can_cancel(each.job)
            if can:
                each.job = protocol.cancelled(each.job)
            expected[each.id] = each.job.status if can else None

        assert expected == run(self.link, jobs.cancel(jobs.JobSelection(expected)))

    @_can_happen(lambda self: self.all_entries, nths=_SOME)
    def retry(self, nths: Sequence[int]) -> None:
        """What is over, or waits for its time, is queued again."""
        expected: dict[int, JobStatus | None] = {}
        for each in dict.fromkeys(map(self._entry, nths)):
            can = not each.is_deleted and protocol.can_retry(each.job)
            if can:
                each.job = protocol.retried(each.job)
            expected[each.id] = each.job.status if can else None

        assert expected == run(self.link, jobs.retry(jobs.JobSelection(expected)))

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
        self.seen.update(record[3] for record in records)
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
        run(self.link, workers.end_workers([each.id for each in self._live()], "died", ""))
        rescue(self.link)
        fresh = [self._register(1, is_quarantine=is_quarantine) for is_quarantine in (False, True)]
        self._rows("update pgqueue.jobs set run_at = clock_timestamp() where status = 'scheduled'")
        run(self.link, promotion.promote(100))
        for worker in fresh:
            claimed = run(self.link, _claim(worker.id, _JOBS_MAX, _JOBS_MAX))
            ends = [_ended(each, Outcome.SUCCEEDED, True) for each in claimed]
            run(self.link, settlements.settle(ends))
        assert [] == self._rows("select id, status from pgqueue.jobs where finished_at is null")

    # What the rules are about.

    def _worker(self, nth: int, likely: Callable[[Worker], object] = bool) -> Worker:
        workers = sorted(
            self.all_workers.values(),
            key=lambda each: (bool(each.death), not likely(each), -each.id),
        )
        return workers[nth % len(workers)]

    def _entry(self, nth: int) -> Entry:
        entries = sorted(self.all_entries.values(), key=lambda each: (each.is_deleted, -each.id))
        return entries[nth % len(entries)]

    def _token(self, nth: int) -> ClaimedAttempt:
        newest = self.tokens[::-1]
        tokens = sorted(newest, key=lambda each: self._entry_held(each) is None)
        return tokens[nth % len(tokens)]

    # What they look up.

    def _present(self) -> list[Entry]:
        return [each for each in self.all_entries.values() if not each.is_deleted]

    def _with_status(self, *statuses: JobStatus) -> list[Entry]:
        return [each for each in self._present() if each.job.status in statuses]

    def _live(self) -> list[Worker]:
        return [each for each in self.all_workers.values() if not each.death]

    def _ready(self, worker: Worker) -> list[Entry]:
        ready = [
            each
            for each in self._with_status(JobStatus.QUEUED)
            if (each.job.losses >= 2) == worker.is_quarantine and not worker.death
        ]
        return sorted(ready, key=lambda each: (-each.options.priority, each.position))

    def _stranded(self) -> list[tuple[Entry, Death]]:
        return [
            (each, death)
            for each in self._with_status(JobStatus.RUNNING)
            if each.job.worker is not None and (death := self.all_workers[each.job.worker].death)
        ]

    def _entry_held(self, token: ClaimedAttempt) -> Entry | None:
        entry = self.all_entries[token.id]
        is_held = not entry.is_deleted and entry.job.is_held(token.attempt, token.worker_id)
        return entry if is_held else None

    def _held(self, token: ClaimedAttempt) -> ActiveAttempt | None:
        return self.all_workers[token.worker_id].running.find((token.id, token.attempt))

    def _out_of_hand(self, token: ClaimedAttempt) -> None:
        self.all_workers[token.worker_id].running.settled((token.id, token.attempt))

    def _lock_all(self) -> None:
        self.other.fetch("select from pgqueue.jobs for no key update", {})

    def _rows(self, text: str, **params: object) -> list[Row]:
        return list(self.link.fetch(text, params))


_TOLD = (
    "select job_id, message from pgqueue.logs where message = any(%(said)s) order by 1",
    "select id, progress_message from pgqueue.jobs where progress_message = any(%(said)s)"
    " order by 1",
)

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


def _token(claimed: ClaimedAttempt) -> tuple[int, int, int]:
    return claimed.id, claimed.attempt, claimed.worker_id


def _claimed(entry: Entry) -> ClaimedAttempt:
    assert entry.job.worker is not None
    return ClaimedAttempt(entry.id, entry.job.attempt, entry.job.worker, "", "", "", None, 0, 0)


def _ended(token: ClaimedAttempt, outcome: Outcome, is_started: bool) -> Settlement:
    return Settlement(*_token(token), outcome, waited_seconds=0.0 if is_started else None)


def _claim(worker_id: int, jobs_max: int, slots_free: int) -> Statement[list[ClaimedAttempt]]:
    return claiming.claim(
        worker_id=worker_id,
        executor="greenlet",
        queues=["default"],
        unknown_tasks=[],
        jobs_max=jobs_max,
        slots_free=slots_free,
    )
