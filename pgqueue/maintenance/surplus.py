"""Deletes attempts and log lines that nobody needs, a few jobs at a time.

A job may be deleted by hand, by a cascade or by TRUNCATE: its attempts and lines stay behind. A job
that is snoozed for ever has attempts without end. A trigger or a foreign key for this would cost
each attempt its time, so a slow walk through the tables finds them.
"""

from typing import Final

from pgqueue.core.adaptive_batch import AdaptiveBatch
from pgqueue.maintenance.service import Service
from pgqueue.store import retention
from pgqueue.store.connection.link import Link
from pgqueue.store.database_errors import RESOURCE_ERRORS
from pgqueue.store.statement import run

# Jobs that one run reads, and of which it deletes rows.
_JOBS_MAX: Final = 1000
_ATTEMPTS_MAX: Final = 1000

# As for pruning: see maintenance/expiry.py.
_SHARE: Final = 1 / 4


class Surplus:
    """A walk through the jobs that have attempts or lines, from the first to the last and again.

    Attributes:
        _after_id: The last job that was visited. Only the thread of maintenance writes it.
    """

    def __init__(self) -> None:
        self._after_id = 0
        self._batch = AdaptiveBatch(_JOBS_MAX)

    def service(self, every_seconds: float = 60.0) -> Service:
        """The service `surplus`."""
        return Service("surplus", every_seconds, self.run, _SHARE, is_shared=True)

    def run(self, link: Link) -> bool:
        """Visit the next jobs; returns whether rows were deleted, so that there may be more."""
        size = self._batch.size
        visited = run(link, retention.find_surplus(self._after_id, size))
        job_ids = [job_id for job_id, has_surplus in visited if has_surplus]
        if job_ids:
            try:
                if run(link, retention.delete_rows(job_ids, _ATTEMPTS_MAX)):
                    return True  # the same jobs again: each may have more
            except RESOURCE_ERRORS:
                if not link.is_usable or not self._batch.halve(size):
                    raise
                return True
        self._batch.grow()
        self._after_id = visited[-1][0] if len(visited) == size else 0
        return bool(job_ids)
