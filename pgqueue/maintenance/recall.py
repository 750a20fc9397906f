"""Takes back what waits in the hand of a worker that cannot start it: a job blocks its thread.

Unlike a rescue this needs more than rows: its supervisor knows that the worker starts none of it.
"""

import logging
from collections import deque

from pgqueue.core.lifecycle import Outcome
from pgqueue.maintenance.service import Service
from pgqueue.process.recall import Recall
from pgqueue.store import attempts
from pgqueue.store.attempts import NOT_STARTED, Claimed, Ended
from pgqueue.store.connect import Link
from pgqueue.store.settling import settle
from pgqueue.store.statement import run

_log = logging.getLogger("pgqueue.recall")


class Recalls:
    """What was asked for, and is open still."""

    def __init__(self) -> None:
        self._asked = deque[Recall]()

    def add(self, recall: Recall) -> None:
        """Take jobs back from the next round on; safe on any thread."""
        self._asked.append(recall)

    def service(self) -> Service:
        """`recall` is asked for; its interval is for what a round could not take back.

        A claim may have been under way, or a job locked by somebody.
        """
        return Service("recall", 5.0, self.round)

    def round(self, link: Link) -> bool:
        """Hand back what waits, uncharged; there is never more to do at once."""
        for _ in range(len(self._asked)):
            recall = self._asked.popleft()
            if recall.is_open:
                # At the end at once: one that fails must not stand in front of the others.
                self._asked.append(recall)
                _hand_back(link, recall)
        return False


def _hand_back(link: Link, recall: Recall) -> None:
    claimed = run(link, attempts.claimed(recall.worker_id))
    if not recall.is_open:
        return  # it may have been claimed after the recall, and run
    waiting = [each for each in claimed if each.id not in recall.started_job_ids]
    taken_back = 0
    for _, answer in settle(link, [_ended(each, recall.blocking_job_id) for each in waiting]):
        if isinstance(answer, Exception):
            facts = {"worker_id": recall.worker_id, "reason": str(answer)}
            _log.error("job not taken back", extra=facts)
        else:
            taken_back += sum(status is not None for status in answer.values())
    if taken_back:
        facts = {"worker_id": recall.worker_id, "job_count": taken_back}
        _log.warning("jobs taken back", extra=facts)


def _ended(claimed: Claimed, blocking_job_id: int) -> Ended:
    return Ended(
        claimed.id,
        claimed.attempt,
        claimed.worker_id,
        Outcome.INTERRUPTED,
        error_type=NOT_STARTED,
        error_message=f"It waited in hand behind job {blocking_job_id}, which blocked its worker.",
    )
