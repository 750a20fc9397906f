"""A fetcher and a finisher without their worker: real parts on a real database, driven by turns."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import claiming
import psycopg
import registering
from manual_clock import ManualClock

from pgqueue import task
from pgqueue.client.client import Client
from pgqueue.core.bounded_names import BoundedNames
from pgqueue.core.lifecycle import Outcome
from pgqueue.process.scoreboard import Scoreboard
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.settlements import NOT_STARTED, Settlement
from pgqueue.store.statement import Row, run
from pgqueue.worker.active_attempt import ActiveAttempt, Receipt
from pgqueue.worker.claim_plan import ClaimPlan
from pgqueue.worker.counters import Counters
from pgqueue.worker.fetcher import Claimant, Fetcher
from pgqueue.worker.finisher import Finisher
from pgqueue.worker.in_flight import InFlight
from pgqueue.worker.intake import Intake
from pgqueue.worker.outcomes import Limits, NotStarted
from pgqueue.worker.output_buffer import LoggedLine
from pgqueue.worker.queues import Queues
from pgqueue.worker.reconciliation import Reconciliation

LIMITS = Limits(1_000_000, 65_536)


@task(name="shop.f")
def _f() -> None: ...


class LossyDatabase(Database):
    """Loses answers: a statement is run, and the connection breaks before its answer."""

    answers_to_lose = 0

    def open(self, application_name: str = "pgqueue", *settings: Any) -> Link:
        link = super().open(application_name, *settings)
        return LossyLink(link.raw, link.schema, self)


class LossyLink(Link):
    """A link of a `LossyDatabase`."""

    def __init__(self, raw: Any, schema: Any, database: LossyDatabase) -> None:
        super().__init__(raw, schema)
        self.database = database

    def fetch(self, text: str, params: Mapping[str, object]) -> Sequence[Row]:
        rows = super().fetch(text, params)
        if self.database.answers_to_lose:
            self.database.answers_to_lose -= 1
            raise psycopg.OperationalError("the connection broke before the answer")
        return rows


class _AnyTask:
    """A task lookup that knows every task, but for those in `unknown`."""

    def __init__(self) -> None:
        self.unknown = BoundedNames()
        self.unstartable: set[str] = set()

    def imported_task_of(self, attempt: ActiveAttempt) -> Any:
        if attempt.claimed.task in self.unstartable:
            raise NotStarted("no such task")
        return _f


class _Settlements:
    """A finisher that only collects."""

    def __init__(self) -> None:
        self.settled: list[tuple[ActiveAttempt, Settlement]] = []

    def put(
        self, attempt: ActiveAttempt, settlement: Settlement, *, wakes_others: bool = False
    ) -> None:
        attempt.end(0.0)
        self.settled.append((attempt, settlement))


class _Interrupts:
    """Collects the attempts in which an error is to be raised."""

    def __init__(self) -> None:
        self.attempts: list[ActiveAttempt] = []

    def request(self, attempt: ActiveAttempt, make_error: Callable[[], BaseException]) -> None:
        self.attempts.append(attempt)


class FetcherHarness:
    """A fetcher with its intake, and with collectors in the place of the worker's other parts."""

    def __init__(
        self,
        database_url: str,
        link: Link,
        *queues: str,
        interval_seconds: float = 30.0,
        prefetch_max: int = 0,
    ) -> None:
        queues = queues or ("default",)
        self.link = link
        self.clock = ManualClock()
        self.database = LossyDatabase(database_url)
        self.worker_id = register_worker(link, *queues)
        self.scoreboard = Scoreboard(100)
        self.in_flight = InFlight(
            slots=5,
            prefetch_max=prefetch_max,
            settling_max=100,
            scoreboard=self.scoreboard,
            clock=self.clock,
        )
        self.tasks = _AnyTask()
        self.counters = Counters(self.in_flight, None, clock=self.clock)
        self._settlements = _Settlements()
        self._interrupts = _Interrupts()
        intake: Any = Intake(
            self.in_flight,
            self._settlements,
            self.tasks,
            self._interrupts,
            self.counters,
            limits=LIMITS,
            on_added=lambda: None,
            clock=self.clock,
        )
        claimant = Claimant(self.worker_id, "greenlet", self.tasks.unknown)
        self.size = claimant.size
        self.reconciliation = Reconciliation(
            self.in_flight,
            intake,
            size=claimant.size,
            worker_id=self.worker_id,
            interval_seconds=interval_seconds,
            clock=self.clock,
        )
        self.fetcher = Fetcher(
            self.database,
            self.in_flight,
            claimant,
            ClaimPlan(Queues(queues, is_round_robin=False), clock=self.clock),
            intake,
            self.reconciliation,
            self.counters,
            clock=self.clock,
        )
        self.fetcher.whole_link()  # so that the first answer is that to a claim

    def turn(self) -> None:
        """One turn of the fetcher, followed by what its loop does after an error."""
        try:
            self.fetcher.run_once()
        except psycopg.OperationalError as error:
            self.fail(error)

    def fail(self, error: BaseException) -> None:
        """What the loop does after an error."""
        self.fetcher._after(error)

    def claim_elsewhere(self) -> Any:
        """A claim for this worker that another connection makes."""
        return claiming.claim(
            worker_id=self.worker_id,
            executor="greenlet",
            queues=["default"],
            unknown_tasks=[],
            jobs_max=5,
            slots_free=5,
        )

    @property
    def waiting_ids(self) -> list[int]:
        """The jobs that wait for a slot, which they leave."""
        return [attempt.claimed.id for attempt in self.in_flight.remove_waiting()]

    @property
    def released(self) -> list[ActiveAttempt]:
        """Attempts that return to the queue without a start."""
        settled = self._settlements.settled
        return [attempt for attempt, end in settled if end.error_type == NOT_STARTED]

    @property
    def revoked(self) -> list[ActiveAttempt]:
        """Attempts that another worker owns now."""
        return self._interrupts.attempts


class WatchedFinisher(Finisher):
    """A finisher that counts its turns."""

    on_turn: Callable[[], object] = staticmethod(lambda: None)

    def turn(self, link: Link) -> float:
        self.on_turn()
        return super().turn(link)


class FinisherHarness:
    """A finisher, and three attempts of one worker."""

    def __init__(self, database_url: str, link: Link, client: Client) -> None:
        self.link = link
        self.clock = ManualClock()
        self.in_flight = InFlight(
            slots=5,
            prefetch_max=0,
            settling_max=100,
            scoreboard=Scoreboard(100),
            clock=self.clock,
        )
        self.counters = Counters(self.in_flight, None, clock=self.clock)
        self.finisher = WatchedFinisher(
            Database(database_url),
            self.in_flight,
            worker_id=1,
            counters=self.counters,
            clock=self.clock,
        )
        for _ in range(3):
            client.enqueue("shop.f")
        claim = claiming.claim(
            worker_id=register_worker(link, "default"),
            executor="greenlet",
            queues=["default"],
            unknown_tasks=[],
            jobs_max=5,
            slots_free=5,
        )
        self.attempts = [self._active(row) for row in run(link, claim)]
        self.ids = [attempt.claimed.id for attempt in self.attempts]

    def turn(self) -> None:
        """One turn of the finisher, at a time at which all output is due."""
        self.clock.advance(1.0)
        self.finisher.run_once()

    def log(self, attempt: ActiveAttempt, message: str, number: int = 1) -> None:
        """Log a line in an attempt."""
        now = self.clock.monotonic()
        self.finisher.output.add_line(LoggedLine(attempt, now, "INFO", "shop", message, number))

    def end(self, attempt: ActiveAttempt, **fields: Any) -> None:
        """End a successful attempt, which waits to be settled."""
        key = (*attempt.key, attempt.claimed.worker_id)
        settlement = Settlement(*key, Outcome.SUCCEEDED, **{"waited_seconds": 0.0, **fields})
        self.finisher.put(attempt, settlement)

    def settle(self, attempts: Sequence[ActiveAttempt], outcome: Outcome, **fields: Any) -> None:
        """End attempts, and take one turn."""
        for attempt in attempts:
            claimed = attempt.claimed
            key = (claimed.id, claimed.attempt, claimed.worker_id)
            settlement = Settlement(*key, outcome, **{"waited_seconds": 0.0, **fields})
            self.finisher.put(attempt, settlement)
        self.finisher.run_once()

    def _active(self, row: ClaimedAttempt) -> ActiveAttempt:
        return ActiveAttempt(row, _f, Receipt(self.clock.monotonic()))


def register_worker(link: Link, *queues: str) -> int:
    """The id of a new worker."""
    return registering.worker(link, slots=5, queues=queues)
