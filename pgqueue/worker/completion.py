"""Settles a job as succeeded in the task's own transaction: `current_job().complete()`.

What the attempt logged until then is written in it too, because afterwards the attempt is over
and nothing more is written for it.
"""

from dataclasses import dataclass

from pgqueue.core.errors import LeaseLost
from pgqueue.core.lifecycle import Outcome
from pgqueue.store import claims, settlements
from pgqueue.store.connection.adopt import aadopt, adopt
from pgqueue.store.schema_name import Schema
from pgqueue.store.settlements import Settlement
from pgqueue.store.statement import Statement, arun, run
from pgqueue.worker.finisher import Finisher
from pgqueue.worker.in_flight import ActiveAttempt
from pgqueue.worker.outcomes import Limits, checked_result


@dataclass(frozen=True, slots=True)
class Completion:
    """Completes attempts of one worker.

    Both verbs raise what was raised into the task already, UnstorableValue or ResultTooLarge
    for a result that cannot be stored, and LeaseLost for an attempt that is another's.
    """

    finisher: Finisher
    limits: Limits
    schema: Schema

    def complete(self, attempt: ActiveAttempt, connection: object, result: object) -> None:
        """Settle on a caller's connection."""
        ended = self._ended(attempt, result)
        link = adopt(connection, self.schema)
        # Waits for whoever has the job locked: here a wait is better than a refusal.
        if not run(link, _hold(attempt)):
            raise _lost(attempt)
        run(link, self.finisher.output.lines_of(attempt))
        if not run(link, settlements.settle([ended])):
            raise _lost(attempt)
        attempt.is_completed = True

    async def acomplete(self, attempt: ActiveAttempt, connection: object, result: object) -> None:
        """Settle on a caller's asyncio connection."""
        ended = self._ended(attempt, result)
        link = await aadopt(connection, self.schema)
        if not await arun(link, _hold(attempt)):
            raise _lost(attempt)
        await arun(link, self.finisher.output.lines_of(attempt))
        if not await arun(link, settlements.settle([ended])):
            raise _lost(attempt)
        attempt.is_completed = True

    def _ended(self, attempt: ActiveAttempt, result: object) -> Settlement:
        if attempt.raised is not None:
            raise attempt.raised
        claimed = attempt.claimed
        return Settlement(
            claimed.id,
            claimed.attempt,
            claimed.worker_id,
            Outcome.SUCCEEDED,
            waited_seconds=attempt.waited_seconds,
            result=checked_result(result, self.limits),
        )


def _hold(attempt: ActiveAttempt) -> Statement[bool]:
    return claims.lock_attempt(
        attempt.claimed.id, attempt.claimed.attempt, attempt.claimed.worker_id
    )


def _lost(attempt: ActiveAttempt) -> LeaseLost:
    return LeaseLost(attempt.claimed.id, attempt.claimed.attempt, attempt.claimed.worker_id)
