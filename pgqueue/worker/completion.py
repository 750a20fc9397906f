"""Settles a job as succeeded in the task's own transaction: `current_job().complete()`.

The transaction also writes what the attempt has logged until then. Afterwards the attempt is over,
and no line is written for it any more.
"""

from dataclasses import dataclass

from pgqueue.core.errors import LeaseLost
from pgqueue.store import claims, settlements
from pgqueue.store.connection.adopt import aadopt, adopt
from pgqueue.store.schema_name import Schema
from pgqueue.store.settlements import Answer
from pgqueue.store.statement import Statement, arun, run
from pgqueue.worker.active_attempt import ActiveAttempt
from pgqueue.worker.outcomes import Limits, completed
from pgqueue.worker.output_buffer import OutputBuffer


@dataclass(frozen=True, slots=True)
class Completion:
    """Completes attempts of one worker.

    Both verbs raise the error that was raised into the task before, UnstorableValue or
    ResultTooLarge for a result that cannot be stored, and LeaseLost for an attempt that another
    worker owns.
    """

    output: OutputBuffer
    limits: Limits
    schema: Schema

    def complete(self, attempt: ActiveAttempt, connection: object, result: object) -> None:
        """Settle on a caller's connection."""
        settlement = completed(attempt, result, self.limits)
        link = adopt(connection, self.schema)
        # Waits for a transaction that has the job locked: here a wait is better than a refusal.
        if not run(link, _lock(attempt)):
            raise _lease_lost(attempt)
        run(link, self.output.take_lines(attempt))
        _check(attempt, run(link, settlements.settle([settlement])))
        attempt.complete()

    async def acomplete(self, attempt: ActiveAttempt, connection: object, result: object) -> None:
        """Settle on a caller's asyncio connection."""
        settlement = completed(attempt, result, self.limits)
        link = await aadopt(connection, self.schema)
        if not await arun(link, _lock(attempt)):
            raise _lease_lost(attempt)
        await arun(link, self.output.take_lines(attempt))
        _check(attempt, await arun(link, settlements.settle([settlement])))
        attempt.complete()


def _lock(attempt: ActiveAttempt) -> Statement[bool]:
    claimed = attempt.claimed
    return claims.lock_attempt(claimed.id, claimed.attempt, claimed.worker_id)


def _check(attempt: ActiveAttempt, answer: Answer) -> None:
    if not answer:
        raise _lease_lost(attempt)
    status = answer[attempt.claimed.id, attempt.claimed.attempt]
    if isinstance(status, Exception):
        raise status


def _lease_lost(attempt: ActiveAttempt) -> LeaseLost:
    claimed = attempt.claimed
    return LeaseLost(claimed.id, claimed.attempt, claimed.worker_id)
