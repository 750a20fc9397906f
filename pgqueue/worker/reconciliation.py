"""Compares what a worker has in hand with what the database says it runs.

They differ when the reply to a claim was lost, and when attempts were taken away. A reply that
was lost says neither that the claim was made nor that it was not; the rows do.
"""

from dataclasses import dataclass

from pgqueue.store import claims
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run
from pgqueue.worker.in_flight import ActiveAttempt, InFlight


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The differences.

    Attributes:
        unheard: Claimed for this worker, which never heard of it, so never started it.
        taken_away: In hand and not ended, and no longer this worker's.
    """

    unknown_claims: list[ClaimedAttempt]
    taken_away: list[ActiveAttempt]


def reconcile(link: Link, in_flight: InFlight, worker_id: int) -> Reconciliation:
    """Ask the database and compare; claim nothing meanwhile."""
    before = {attempt.token: attempt for attempt in in_flight.all()}
    claimed = {(each.id, each.attempt): each for each in run(link, claims.claims_of(worker_id))}
    # What was in hand on one side of the question only was settled while it was asked.
    return Reconciliation(
        unknown_claims=[each for token, each in claimed.items() if token not in before],
        taken_away=[
            attempt
            for token, attempt in before.items()
            if token not in claimed and in_flight.find(token) and not attempt.is_over
        ],
    )
