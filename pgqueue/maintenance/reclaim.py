"""Takes back what waits in the hand of a worker that cannot start it: a job blocks its thread.

Unlike a rescue this needs more than rows: its supervisor knows that the worker starts none of it.
"""

import logging
from collections import deque

from pgqueue.core.lifecycle import Outcome
from pgqueue.maintenance.service import Service
from pgqueue.process.blocked_thread import Reclaim
from pgqueue.store import claims
from pgqueue.store.claims import ClaimedAttempt
from pgqueue.store.connection.link import Link
from pgqueue.store.settlement_batches import settle_in_batches
from pgqueue.store.settlements import NOT_STARTED, Settlement
from pgqueue.store.statement import run

_log = logging.getLogger("pgqueue.recall")


class Reclaims:
    """What was asked for, and is open still."""

    def __init__(self) -> None:
        self._asked = deque[Reclaim]()

    def add(self, reclaim: Reclaim) -> None:
        """Take jobs back from the next round on; safe on any thread."""
        self._asked.append(reclaim)

    def service(self) -> Service:
        """`recall` is asked for; its interval is for what a round could not take back.

        A claim may have been under way, or a job locked by somebody.
        """
        return Service("recall", 5.0, self.round)

    def round(self, link: Link) -> bool:
        """Hand back what waits, uncharged; there is never more to do at once."""
        for _ in range(len(self._asked)):
            reclaim = self._asked.popleft()
            if reclaim.is_open:
                # At the end at once: one that fails must not stand in front of the others.
                self._asked.append(reclaim)
                _hand_back(link, reclaim)
        return False


def _hand_back(link: Link, reclaim: Reclaim) -> None:
    claimed = run(link, claims.claims_of(reclaim.worker_id))
    if not reclaim.is_open:
        return  # it may have been claimed after the recall, and run
    waiting = [each for each in claimed if each.id not in reclaim.started_job_ids]
    taken_back = 0
    for _, answer in settle_in_batches(
        link, [_ended(each, reclaim.blocking_job_id) for each in waiting]
    ):
        if isinstance(answer, Exception):
            facts = {"worker_id": reclaim.worker_id, "reason": str(answer)}
            _log.error("job not taken back", extra=facts)
        else:
            taken_back += sum(status is not None for status in answer.values())
    if taken_back:
        facts = {"worker_id": reclaim.worker_id, "job_count": taken_back}
        _log.warning("jobs taken back", extra=facts)


def _ended(claimed: ClaimedAttempt, blocking_job_id: int) -> Settlement:
    return Settlement(
        claimed.id,
        claimed.attempt,
        claimed.worker_id,
        Outcome.INTERRUPTED,
        error_type=NOT_STARTED,
        error_message=f"It waited in hand behind job {blocking_job_id}, which blocked its worker.",
    )
