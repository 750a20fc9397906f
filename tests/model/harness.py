"""The model beside the real database: its jobs, its workers, and the queries of the steps.

A worker has no process here. Its attempts are in a real `InFlight`, its scoreboard is real, and a
reply is lost by ignoring it. Nothing waits: leases expire and delays pass by updates of rows.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeVar

import claiming
import registering
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from model import protocol
from model.protocol import Death, End, Job
from pgqueue import task
from pgqueue.core.lifecycle import JobStatus, Outcome
from pgqueue.core.new_job import NewJob
from pgqueue.process.scoreboard import Scoreboard
from pgqueue.store import (
    enqueueing,
)
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.store.connection.link import Link
from pgqueue.store.settlements import Settlement
from pgqueue.store.statement import Row, Statement, run
from pgqueue.worker.active_attempt import ActiveAttempt
from pgqueue.worker.in_flight import InFlight

JOBS_MAX = 3
WORKERS_MAX = 3

# The index of the target of a step: low numbers are likely targets, high numbers stale ones.
NTH = st.integers(0, 4)
SOME = st.lists(NTH, min_size=1, max_size=3, unique=True)
KEPT = frozenset({JobStatus.SUCCEEDED, JobStatus.CANCELLED})


@task(name="model.work")
def _work() -> None: ...


TASK: Any = _work


class Options(NamedTuple):
    """The options of a new job; `losses` is the number of losses that it begins with."""

    priority: int
    max_attempts: int
    losses: int
    is_once: bool
    is_kept: bool
    is_delayed: bool


OPTIONS = st.builds(
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
    """A job in the model: its row, its rows in `attempts`, and its options."""

    id: int
    job: Job
    options: Options
    records: dict[int, tuple[int, Outcome, bool]] = field(default_factory=dict)
    position: int = 0
    is_deleted: bool = False

    def settle(self, token: ClaimedAttempt, end: End) -> JobStatus:
        """The status of the job after the end of its open attempt."""
        self.job = protocol.settled(self.job, end)
        self.records[token.attempt] = (token.worker_id, end.outcome, end.is_started)
        if self.job.status is JobStatus.SUCCEEDED and not self.options.is_kept:
            self.is_deleted = True
        return self.job.status


@dataclass(eq=False, slots=True)
class Worker:
    """A worker in the model; `death` is the end in its row."""

    id: int
    supervisor: int
    is_quarantine: bool
    scoreboard: Scoreboard
    running: InFlight
    death: Death | None = None
    is_late: bool = False
    is_deleted: bool = False


Condition = Callable[[Any], object]
StepSpec = tuple[Condition, Callable[..., None], st.SearchStrategy[dict[str, Any]]]
Method = TypeVar("Method", bound=Callable[..., None])
STEPS: Final[dict[str, StepSpec]] = {}


def step_when(when: Condition, **drawn: st.SearchStrategy[Any]) -> Callable[[Method], Method]:
    """A decorator of a step: the condition under which it is drawn, and its arguments."""

    def mark(method: Method) -> Method:
        STEPS[method.__name__] = (when, method, st.fixed_dictionaries(drawn))
        return method

    return mark


class Harness(RuleBasedStateMachine):
    """The jobs and workers of the model, with the links to the database.

    Args:
        counts: Counts the steps, and the outcomes of rows.
    """

    def __init__(self, link: Link, other: Link, counts: Counter[str]) -> None:
        super().__init__()
        self.counts = counts
        self.link = link
        self.other = other
        self.all_entries: dict[int, Entry] = {}
        self.all_workers: dict[int, Worker] = {}
        self.tokens: list[ClaimedAttempt] = []
        self.writes = 0
        self.has_agreed = False
        self.is_after_outage = False

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
        worker_id = registering.worker(
            self.link,
            supervisor_id=supervisor,
            slots=JOBS_MAX,
            lease_seconds=600.0,
            quarantine=is_quarantine,
        )
        scoreboard = Scoreboard(10)
        running = InFlight(slots=JOBS_MAX, prefetch_max=0, settling_max=100, scoreboard=scoreboard)
        worker = Worker(worker_id, supervisor, is_quarantine, scoreboard, running)
        self.all_workers[worker.id] = worker
        return worker

    def _worker(self, nth: int, likely: Callable[[Worker], object] = bool) -> Worker:
        newest = list(self.all_workers.values())[::-1]
        workers = sorted(newest, key=lambda worker: (bool(worker.death), not likely(worker)))
        return workers[nth % len(workers)]

    def _entry(self, nth: int) -> Entry:
        entries = sorted(self.all_entries.values(), key=lambda entry: (entry.is_deleted, -entry.id))
        return entries[nth % len(entries)]

    def _token(self, nth: int) -> ClaimedAttempt:
        newest = self.tokens[::-1]
        tokens = sorted(newest, key=lambda token: self._owned_entry(token) is None)
        return tokens[nth % len(tokens)]

    def _present(self) -> list[Entry]:
        return [entry for entry in self.all_entries.values() if not entry.is_deleted]

    def _with_status(self, *statuses: JobStatus) -> list[Entry]:
        return [entry for entry in self._present() if entry.job.status in statuses]

    def _live(self) -> list[Worker]:
        return [worker for worker in self.all_workers.values() if not worker.death]

    def _ready(self, worker: Worker) -> list[Entry]:
        ready = [
            entry
            for entry in self._with_status(JobStatus.QUEUED)
            if (entry.job.losses >= 2) == worker.is_quarantine and not worker.death
        ]
        return sorted(ready, key=lambda entry: (-entry.options.priority, entry.position))

    def _orphaned(self) -> list[tuple[Entry, Death]]:
        return [
            (entry, death)
            for entry in self._with_status(JobStatus.RUNNING)
            if entry.job.worker is not None and (death := self.all_workers[entry.job.worker].death)
        ]

    def _owned_entry(self, token: ClaimedAttempt) -> Entry | None:
        entry = self.all_entries[token.id]
        is_owned = not entry.is_deleted and entry.job.is_owned_by(token.attempt, token.worker_id)
        return entry if is_owned else None

    def _active(self, token: ClaimedAttempt) -> ActiveAttempt | None:
        return self.all_workers[token.worker_id].running.find((token.id, token.attempt))

    def _remove_active(self, token: ClaimedAttempt) -> None:
        if (active := self._active(token)) is not None:
            self.all_workers[token.worker_id].running.remove(active)

    def _lock_all(self) -> None:
        self.other.fetch("select from pgqueue.jobs for no key update", {})

    def _rows(self, text: str, **params: object) -> list[Row]:
        return list(self.link.fetch(text, params))


def open_token(entry: Entry) -> tuple[int, int, int | None]:
    return entry.id, entry.job.attempt, entry.job.worker


def token_of(claimed: ClaimedAttempt) -> tuple[int, int, int]:
    return claimed.id, claimed.attempt, claimed.worker_id


def claimed_attempt(entry: Entry) -> ClaimedAttempt:
    assert entry.job.worker is not None
    return ClaimedAttempt(entry.id, entry.job.attempt, entry.job.worker, "", "", "", None, 0, 0)


def settlement_of(token: ClaimedAttempt, outcome: Outcome, is_started: bool) -> Settlement:
    return Settlement(*token_of(token), outcome, waited_seconds=0.0 if is_started else None)


def claim_statement(
    worker_id: int, jobs_max: int, slots_free: int
) -> Statement[list[ClaimedAttempt]]:
    return claiming.claim(
        worker_id=worker_id,
        executor="greenlet",
        queues=["default"],
        unknown_tasks=[],
        jobs_max=jobs_max,
        slots_free=slots_free,
    )
