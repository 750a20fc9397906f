"""Compares what a worker has in hand with what the database says it runs.

They differ when the reply to a claim was lost, and when attempts were taken away. A reply that
was lost says neither that the claim was made nor that it was not; the rows do.
"""

from dataclasses import dataclass

from pgqueue.store import attempts
from pgqueue.store.attempts import Claimed
from pgqueue.store.connect import Link
from pgqueue.store.statement import run
from pgqueue.worker.running import Held, Running


@dataclass(frozen=True, slots=True)
class Account:
    """The differences.

    Attributes:
        unheard: Claimed for this worker, which never heard of it, so never started it.
        taken_away: In hand and not ended, and no longer this worker's.
    """

    unheard: list[Claimed]
    taken_away: list[Held]


def take_account(link: Link, running: Running, worker_id: int) -> Account:
    """Ask the database and compare; claim nothing meanwhile."""
    before = {held.token: held for held in running.all()}
    claimed = {(each.id, each.attempt): each for each in run(link, attempts.claimed(worker_id))}
    # What was in hand on one side of the question only was settled while it was asked.
    return Account(
        unheard=[each for token, each in claimed.items() if token not in before],
        taken_away=[
            held
            for token, held in before.items()
            if token not in claimed and running.find(token) and not held.is_over
        ],
    )
