"""Settles a job as succeeded in the task's own transaction: `current_job().complete()`.

What the attempt logged until then is written in it too, because afterwards the attempt is over
and nothing more is written for it.
"""

from dataclasses import dataclass

from pgqueue.core.errors import LeaseLost
from pgqueue.core.lifecycle import Outcome
from pgqueue.store import attempts
from pgqueue.store.adopt import aadopt, adopt
from pgqueue.store.attempts import Ended
from pgqueue.store.schema import Schema
from pgqueue.store.statement import Statement, arun, run
from pgqueue.worker.finisher import Finisher
from pgqueue.worker.outcomes import Limits, checked_result
from pgqueue.worker.running import Held


@dataclass(frozen=True, slots=True)
class Completion:
    """Completes attempts of one worker.

    Both verbs raise what was raised into the task already, UnstorableValue or ResultTooLarge
    for a result that cannot be stored, and LeaseLost for an attempt that is another's.
    """

    finisher: Finisher
    limits: Limits
    schema: Schema

    def complete(self, held: Held, connection: object, result: object) -> None:
        """Settle on a caller's connection."""
        ended = self._ended(held, result)
        link = adopt(connection, self.schema)
        # Waits for whoever has the job locked: here a wait is better than a refusal.
        if not run(link, _hold(held)):
            raise _lost(held)
        run(link, self.finisher.notes.lines_of(held))
        if not run(link, attempts.settle([ended])):
            raise _lost(held)
        held.is_completed = True

    async def acomplete(self, held: Held, connection: object, result: object) -> None:
        """Settle on a caller's asyncio connection."""
        ended = self._ended(held, result)
        link = await aadopt(connection, self.schema)
        if not await arun(link, _hold(held)):
            raise _lost(held)
        await arun(link, self.finisher.notes.lines_of(held))
        if not await arun(link, attempts.settle([ended])):
            raise _lost(held)
        held.is_completed = True

    def _ended(self, held: Held, result: object) -> Ended:
        if held.raised is not None:
            raise held.raised
        claimed = held.claimed
        return Ended(
            claimed.id,
            claimed.attempt,
            claimed.worker_id,
            Outcome.SUCCEEDED,
            waited_seconds=held.waited_seconds,
            result=checked_result(result, self.limits),
        )


def _hold(held: Held) -> Statement[bool]:
    return attempts.hold(held.claimed.id, held.claimed.attempt, held.claimed.worker_id)


def _lost(held: Held) -> LeaseLost:
    return LeaseLost(held.claimed.id, held.claimed.attempt, held.claimed.worker_id)
