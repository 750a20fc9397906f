"""Compares the attempts of a worker with the rows that it owns in the database.

They differ when the answer to a claim was lost, and when another worker took an attempt over. A
lost answer does not say whether the claim was committed; the rows do.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from pgqueue.core.clock import MONOTONIC, Clock, Stopwatch, Timer
from pgqueue.core.events.event import emit
from pgqueue.core.events.jobs import ClaimRecovered
from pgqueue.store import claims
from pgqueue.store.claims import AttemptKey
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run
from pgqueue.worker.active_attempt import ActiveAttempt
from pgqueue.worker.claim_size import ClaimSize
from pgqueue.worker.in_flight import InFlight
from pgqueue.worker.intake import Intake

# A claim on a broken connection may still commit for as long as the server lets a statement of
# ours run (20 s).
_DOUBT_SECONDS = 25.0

# The shortest wait between two reconciliations while such a claim may still commit.
_PAUSE_SECONDS_MIN = 0.2


@dataclass(frozen=True, slots=True)
class Differences:
    """How the active attempts differ from the rows.

    Attributes:
        unknown_claims: Attempts that this worker owns without knowing it; it never started them.
        revoked: Active attempts that have not ended and that this worker no longer owns.
    """

    unknown_claims: list[AttemptKey]
    revoked: list[ActiveAttempt]


def reconcile(link: Link, in_flight: InFlight, worker_id: int) -> Differences:
    """Read the worker's rows and compare; nothing may be claimed meanwhile."""
    active = {attempt.key: attempt for attempt in in_flight.all()}
    rows = dict.fromkeys(row.key for row in run(link, claims.claims_of(worker_id)))
    # An attempt that was active before the read, and is not any more, was settled meanwhile.
    return Differences(
        unknown_claims=[key for key in rows if key not in active],
        revoked=[
            attempt
            for key, attempt in active.items()
            if key not in rows and in_flight.find(key) and not attempt.is_over
        ],
    )


class Reconciliation:
    """When to reconcile, and what follows. The fetcher's thread alone uses it.

    Args:
        size: How much one statement reads, as of a claim.
        interval_seconds: The time between two reconciliations while no answer was lost.

    Attributes:
        interval_seconds: As above.
        _timer: Due when it is time to reconcile.
        _since_doubt: The time since an answer may have been lost.
        _doubtful_reclaim_count: The count of reclaims before the oldest claim whose answer may
            be lost; None for none. A job of that claim may have been returned to the queue by a
            reclaim that began later, so it must not start.
    """

    def __init__(
        self,
        in_flight: InFlight,
        intake: Intake,
        *,
        size: ClaimSize,
        worker_id: int,
        interval_seconds: float,
        clock: Clock = MONOTONIC,
    ) -> None:
        self.interval_seconds = interval_seconds
        self._in_flight = in_flight
        self._intake = intake
        self._size = size
        self._worker_id = worker_id
        # Random, so that workers that start together do not reconcile together.
        self._timer = Timer(clock, seconds=interval_seconds * random.uniform(0.5, 1.0))
        self._since_doubt = Stopwatch(clock)
        self._doubtful_reclaim_count: int | None = None

    @property
    def is_due(self) -> bool:
        """Whether it is time to reconcile."""
        return self._timer.is_due

    @property
    def seconds_left(self) -> float:
        """The seconds until it is time to reconcile; 0 when it is."""
        return self._timer.seconds_left

    def doubt(self, reclaim_count: int) -> None:
        """Reconcile at once, as the answer to a claim may be lost.

        Args:
            reclaim_count: The count of reclaims before that claim was sent.
        """
        self._timer.expire()
        self._since_doubt.restart()
        if self._doubtful_reclaim_count is None:
            self._doubtful_reclaim_count = reclaim_count

    def run(self, link: Link, reclaim_count: int) -> None:
        """Reconcile now: run claims whose answers were lost, and stop revoked attempts.

        Args:
            reclaim_count: The count of reclaims now.
        """
        claimed_before = self._doubtful_reclaim_count
        differences = reconcile(link, self._in_flight, self._worker_id)
        if self._since_doubt.seconds > _DOUBT_SECONDS:
            self._doubtful_reclaim_count = None
        self._timer.start(self._pause_seconds())
        if differences.revoked:
            self._intake.revoke(differences.revoked)
        if differences.unknown_claims:
            count = reclaim_count if claimed_before is None else claimed_before
            self._recover(link, differences.unknown_claims, count)

    def _recover(self, link: Link, keys: Sequence[AttemptKey], reclaim_count: int) -> None:
        # One portion a turn: the answer may have been lost because it was large.
        try:
            rows = run(
                link,
                claims.read_claimed(
                    self._worker_id, keys[: self._size.jobs_max], self._size.args_bytes_max
                ),
            )
        except BaseException:
            self._size.record_failure()
            raise
        if rows:
            self._intake.add(rows, reclaim_count)
            emit(ClaimRecovered(job_count=len(rows)))
        if len(rows) < len(keys):
            self._timer.expire()

    def _pause_seconds(self) -> float:
        doubt_seconds = self._since_doubt.seconds
        if doubt_seconds > _DOUBT_SECONDS:
            # Without an attempt nothing can be revoked.
            return self.interval_seconds * (1.0 if self._in_flight.all() else 2.0)
        # Each pause doubles the time since the doubt, so that a broken connection costs few reads.
        return min(self.interval_seconds, max(_PAUSE_SECONDS_MIN, doubt_seconds))
