"""Takes back what waits in the hand of a worker that cannot start it: a job blocks its thread.

Unlike a rescue this needs more than rows: its supervisor knows that the worker starts none of it.
"""

import logging
from collections import deque

from pgqueue.core.lifecycle import Outcome
from pgqueue.maintenance.service import Service
from pgqueue.process.recall import Recall
from pgqueue.store import attempts
from pgqueue.store.attempts import Claimed, Ended
from pgqueue.store.connect import Link
from pgqueue.store.settling import settle
from pgqueue.store.statement import run

_log = logging.getLogger("pgqueue.recall")


class Recalls:
    """What was asked for, in turn."""

    def __init__(self) -> None:
        self._asked = deque[Recall]()

    def add(self, recall: Recall) -> None:
        """Take jobs back at the next round; safe on any thread."""
        self._asked.append(recall)

    def service(self) -> Service:
        """`recall` has nothing to do unless it is asked for."""
        return Service("recall", 3600.0, self.round)

    def round(self, link: Link) -> bool:
        """Hand back all that was asked for, uncharged; there is never more to do at once."""
        while self._asked:
            # It stays in front until it is done: a broken connection must not leave its worker
            # without work.
            recall = self._asked[0]
            _hand_back(link, recall)
            recall.done()
            self._asked.popleft()
        return False


def _hand_back(link: Link, recall: Recall) -> None:
    claimed = run(link, attempts.claimed(recall.worker_id))
    waiting = [each for each in claimed if each.id not in recall.started_job_ids]
    for _, answer in settle(link, [_ended(each, recall.blocking_job_id) for each in waiting]):
        if isinstance(answer, Exception):
            facts = {"worker_id": recall.worker_id, "reason": str(answer)}
            _log.error("job not taken back", extra=facts)
    if waiting:
        facts = {"worker_id": recall.worker_id, "job_count": len(waiting)}
        _log.warning("jobs taken back", extra=facts)


def _ended(claimed: Claimed, blocking_job_id: int) -> Ended:
    return Ended(
        claimed.id,
        claimed.attempt,
        claimed.worker_id,
        Outcome.INTERRUPTED,
        error_type="NotStarted",
        error_message=f"It waited in hand behind job {blocking_job_id}, which blocked its worker.",
    )
