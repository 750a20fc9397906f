"""Claims as many jobs as the worker can take, in one statement over all its queues.

Sleeps until the supervisor reports a ready job, or until capacity becomes free after a claim that
left jobs behind. Its own poll every minute makes it correct without any report, but for sub-queues,
whose names come with the reports alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf

from pgqueue.core.bounded_names import BoundedNames
from pgqueue.core.clock import MONOTONIC, Clock, Stopwatch, Timer
from pgqueue.process.loop import Loop
from pgqueue.store import claims
from pgqueue.store.claims import ClaimedBatch, KeyRange
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link
from pgqueue.store.connection.session import INDEX_ORDER_ONLY
from pgqueue.store.database_errors import RESOURCE_ERRORS
from pgqueue.store.statement import run
from pgqueue.worker.claim_plan import ClaimPlan
from pgqueue.worker.claim_size import ClaimSize
from pgqueue.worker.counters import Counters
from pgqueue.worker.in_flight import InFlight
from pgqueue.worker.intake import Intake
from pgqueue.worker.reconciliation import Reconciliation

# Between two polls of its own. The supervisor polls for all its workers every second; this poll is
# for a report that is lost, or a supervisor that hangs. A poll that is due soon is made together
# with a reconciliation, as each of them alone would first ping the server.
_POLL_SECONDS = 60.0

# The supervisor replaces a worker whose fetcher takes no turn for 5 s.
_PAUSE_SECONDS_MAX = 2.0

# Between two checks whether a reclaim is over; see `process.blocked_thread`.
_RECLAIM_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Claimant:
    """The worker for which a fetcher claims.

    Attributes:
        unknown_tasks: Tasks that the worker cannot run, and that are not claimed.
        size: How much one claim asks for.
    """

    worker_id: int
    executor: str
    unknown_tasks: BoundedNames
    size: ClaimSize = field(default_factory=ClaimSize)

    def claim(self, link: Link, ranges: list[KeyRange], capacity: tuple[int, int]) -> ClaimedBatch:
        """Claim the next jobs of these ranges, now."""
        jobs_max, slots_free = capacity
        statement = claims.claim(
            worker_id=self.worker_id,
            executor=self.executor,
            key_ranges=ranges,
            unknown_tasks=sorted(self.unknown_tasks),
            jobs_max=min(jobs_max, self.size.jobs_max),
            slots_free=slots_free,
            args_bytes_max=self.size.args_bytes_max,
        )
        return run(link, statement)


class Fetcher(Loop):
    """The loop that claims.

    Args:
        intake: Takes what was claimed.

    Attributes:
        _may_have_more: Whether the next turn claims. Any thread sets it, the fetcher resets it.
        _needs_slot: Whether the next job is not prefetched. Any thread.
        _wants_capacity: Whether a turn found no free capacity. The fetcher sets it, any thread
            resets it.
        _poll, _reclaim_count: The fetcher's thread.
    """

    settings = INDEX_ORDER_ONLY

    def __init__(
        self,
        database: Database,
        in_flight: InFlight,
        claimant: Claimant,
        plan: ClaimPlan,
        intake: Intake,
        reconciliation: Reconciliation,
        counters: Counters,
        *,
        clock: Clock = MONOTONIC,
    ) -> None:
        super().__init__(f"fetcher {claimant.worker_id}", database)
        self._in_flight = in_flight
        self._claimant = claimant
        self._plan = plan
        self._intake = intake
        self._reconciliation = reconciliation
        self._counters = counters
        self._clock = clock
        self._poll = Timer(clock)
        self._reclaim_count = 0
        self._may_have_more = True
        self._needs_slot = False
        self._wants_capacity = False
        in_flight.on_free_capacity = self._on_free_capacity

    def request_claim(self, queues: Iterable[str]) -> None:
        """Claim soon, as a job is ready in *queues*; safe on any thread."""
        self._plan.add_ready(queues)
        self._may_have_more = True
        self._needs_slot = False
        self._in_flight.set_waiting(False)
        self.wake()

    def stop_claiming(self) -> None:
        """Claim nothing more; jobs that wait for a slot return to the queue. On any thread."""
        self._intake.close()
        self.wake()

    def run_once(self) -> float:
        """Take one turn now, and show the supervisor that it was taken."""
        self._in_flight.begin_turn()
        self._counters.send_changes()
        # First of all: a claim, or a broken connection, would keep them for longer.
        self._return_waiting()
        # Most turns only show that the fetcher is alive, and send nothing to the database.
        pause = super().run_once() if self._is_due else self._idle_seconds()
        self._in_flight.set_waiting(not (self._may_have_more or self._intake.is_closed))
        pause = min(pause, self._return_in_seconds)
        self._in_flight.prefetch.end_turn(pause)
        return pause

    @property
    def _is_due(self) -> bool:
        return self._may_have_more or self._intake.is_closed or self._seconds_until_due <= 0

    @property
    def _seconds_until_due(self) -> float:
        return min(
            self._poll.seconds_left,
            self._plan.seconds_until_reread,
            self._reconciliation.seconds_left,
        )

    def turn(self, link: Link) -> float:
        """Claim once, if there is free capacity and may be a ready job."""
        # Read before any statement is sent: a reclaim that begins later covers its claim.
        reclaim_count = self._reclaim_count = self._in_flight.reclaim_count
        is_reclaiming = reclaim_count % 2 == 1
        if is_reclaiming and not self._intake.is_closed:
            return _RECLAIM_SECONDS
        self._check_timers(link, may_reconcile=not is_reclaiming)
        if self._intake.is_closed:
            self._intake.release_waiting()
            return _PAUSE_SECONDS_MAX
        capacity = self._free_capacity()
        if self._may_have_more and capacity[0] > 0:
            self._claim(link, capacity)
            goes_on = self._may_have_more and not self._intake.is_closed
            return 0.0 if goes_on else self._idle_seconds()
        self._wants_capacity = self._may_have_more
        if self._wants_capacity and self._free_capacity()[0] > 0:
            return 0.0  # it became free before `_on_free_capacity` knew that it is wanted
        return self._idle_seconds()

    @property
    def _return_in_seconds(self) -> float:
        # During a reclaim the supervisor returns the waiting jobs.
        return inf if self._in_flight.reclaim_count % 2 else self._in_flight.return_in_seconds

    def _return_waiting(self) -> None:
        if self._return_in_seconds <= 0.0:
            # The jobs are ready again, for this worker too when it has a free slot.
            self._plan.restore(self._intake.release_waiting())
            self._may_have_more = True

    def _check_timers(self, link: Link, *, may_reconcile: bool) -> None:
        poll_within_seconds = 0.0
        if may_reconcile and self._reconciliation.is_due:
            self._reconciliation.run(link, self._reclaim_count)
            poll_within_seconds = self._reconciliation.interval_seconds / 2
        if self._poll.seconds_left <= poll_within_seconds:
            self._plan.add_all()
            self._poll.start(_POLL_SECONDS)
            self._may_have_more = True
            self._needs_slot = False
        if self._plan.start_reread():
            self._may_have_more = True

    def _after(self, error: BaseException) -> float:
        # The lost answer may be that of a claim. If not, the jobs that it was to claim are ready.
        self._reconciliation.doubt(self._reclaim_count)
        self._may_have_more = True
        if not isinstance(error, RESOURCE_ERRORS):
            # Jobs whose claim was rolled back may lie before any cursor.
            self._plan.reset_cursors()
        return super()._after(error)

    def _claim(self, link: Link, capacity: tuple[int, int]) -> None:
        self._may_have_more = False  # unless the answer, or a report meanwhile, says otherwise
        queues, ranges = self._plan.take()
        claiming = Stopwatch(self._clock, started=True)
        try:
            batch = self._claimant.claim(link, ranges, capacity)
        except BaseException:
            self._plan.restore(queues)
            self._claimant.size.record_failure()
            raise
        seconds = claiming.seconds
        self._in_flight.prefetch.record_claim(seconds)
        self._claimant.size.record_answer(batch, seconds)
        self._plan.record(queues, batch)
        self._needs_slot = batch.needs_slot
        if not batch.is_whole and (batch.claimed or batch.needs_slot):
            self._may_have_more = True  # without either, a trigger undoes every claim
        added_count = self._intake.add(batch.claimed, self._reclaim_count)
        if batch.claimed and not added_count and self._claimant.unknown_tasks.is_full:
            # There are more unknown tasks than can be excluded: their jobs would be claimed and
            # released without end.
            self._may_have_more = False

    def _free_capacity(self) -> tuple[int, int]:
        jobs_max, slots_free = self._in_flight.free_capacity()
        # A job that needs a slot would be locked by each claim, and kept from other workers.
        return (slots_free, slots_free) if self._needs_slot else (jobs_max, slots_free)

    def _on_free_capacity(self) -> None:
        # Called for every ended attempt, so it costs nothing while no turn waits for capacity.
        if not (self._wants_capacity and self._in_flight.may_need_refill):
            return
        if self._free_capacity()[0] > 0:
            self._wants_capacity = False
            self.wake()

    def _idle_seconds(self) -> float:
        return min(_PAUSE_SECONDS_MAX, self._seconds_until_due)
