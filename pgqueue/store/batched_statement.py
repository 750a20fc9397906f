"""A statement that changes a limited number of jobs, run batch by batch until none is left.

A thousand jobs are few for most databases and too many for some: their logs may be large. After an
error for want of resources the batch is halved. A job that the database refuses by itself, for a
trigger or a constraint of the application, is skipped, and tried again after growing pauses. The
jobs behind it get their turn, however many are refused.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pgqueue.core.adaptive_batch import AdaptiveBatch
from pgqueue.core.clock import MONOTONIC, Clock, Timer
from pgqueue.core.events.event import emit
from pgqueue.core.events.jobs import JobSkipped
from pgqueue.store.connection.link import Link
from pgqueue.store.database_errors import (
    DATABASE_ERRORS,
    RESOURCE_ERRORS,
    first_line,
    is_refusal,
)
from pgqueue.store.refusals import RefusalReports
from pgqueue.store.settlements import SKIPPED
from pgqueue.store.statement import Row, Statement, run

_SKIPPED_SECONDS = 60.0
_SKIPPED_SECONDS_MAX = 1800.0

# Every batch reads the skipped jobs again. With more of them it begins behind the last one.
_SKIPPED_MAX = 10_000

# Attempts of one job that are deleted at once, with their lines.
_ATTEMPTS_MAX = 1000

Change = Callable[[int, Sequence[int], str | None], Statement[int]]
"""Makes a statement for a number of jobs, for the jobs to skip, and for the moment to begin at."""

First = Callable[[Sequence[int], str | None], Statement[Row | None]]
"""Makes a query for the job that the statement would change first, and for its moment."""

Reduce = Callable[[Sequence[int], int], Statement[int]]
"""Makes a statement that deletes rows of jobs which are too large to be deleted at once."""


@dataclass(slots=True)
class _Pause:
    """How long a refused job is skipped, this time."""

    timer: Timer
    seconds: float


class BatchedStatement:
    """Runs batches of one statement.

    Args:
        statement: Answers `(id, is_changed)` for each job.
        first: Names the job that it would change first.
        jobs_max: Jobs that one batch ever changes.
        reduce: Makes a job smaller that is too much for one statement.

    Attributes:
        changed_count: Jobs that the last batch changed.
    """

    def __init__(
        self,
        statement: Change,
        first: First,
        jobs_max: int,
        *,
        reduce: Reduce | None = None,
        clock: Clock = MONOTONIC,
    ) -> None:
        self._statement = statement
        self._first = first
        self._reduce = reduce
        self._batch = AdaptiveBatch(jobs_max)
        self._portion = AdaptiveBatch(_ATTEMPTS_MAX)
        self._clock = clock
        self._reports = RefusalReports(clock)
        self.changed_count = 0
        self._skipped: dict[int, _Pause] = {}
        self._after: str | None = None
        self._restart = _Pause(Timer(clock), _SKIPPED_SECONDS)

    def take(self, link: Link) -> bool:
        """Run one batch; returns whether there may be more to do.

        Raises:
            psycopg.Error: The statement failed, and not because of its jobs; or one job alone took
                too long, which is skipped from now on.
        """
        if self._after is not None and self._restart.timer.is_due:
            self._after = None
            self._skipped = {}
        self.changed_count = 0
        size = self._batch.size
        statement = self._statement(size, self._skipped_ids(), self._after)
        try:
            rows = run(link, Statement(statement.file, statement.params, list[Row]))
        except DATABASE_ERRORS as error:
            is_resource = isinstance(error, RESOURCE_ERRORS)
            if not link.is_usable or not (is_resource or is_refusal(error)):
                raise
            if not self._batch.halve(size):
                self._on_refused(link, error, is_resource=is_resource)
            return True
        for job_id, is_changed in rows:
            if is_changed:
                self.changed_count += 1
                self._skipped.pop(job_id, None)
            else:
                self._skip(job_id, SKIPPED)
        self._batch.grow()
        return len(rows) == size

    def _skipped_ids(self) -> list[int]:
        return [job_id for job_id, pause in self._skipped.items() if not pause.timer.is_due]

    def _on_refused(self, link: Link, error: Exception, *, is_resource: bool) -> None:
        first = run(link, self._first(self._skipped_ids(), self._after))
        if first is None:
            raise error
        job_id, moment = first
        if is_resource and self._reduce is not None and self._make_smaller(link, job_id):
            return
        if len(self._skipped) >= _SKIPPED_MAX:
            if moment == self._after:
                raise error  # more jobs of one moment than can be skipped
            self._begin_at(moment)
        self._skip(job_id, error)
        if is_resource:
            raise error

    def _make_smaller(self, link: Link, job_id: int) -> bool:
        assert self._reduce is not None
        size = self._portion.size
        try:
            deleted = run(link, self._reduce([job_id], size))
        except RESOURCE_ERRORS:
            if not link.is_usable or not self._portion.halve(size):
                raise
            return True
        self._portion.grow()
        return deleted > 0

    def _skip(self, job_id: int, error: Exception) -> None:
        pause = self._skipped.get(job_id)
        if pause is None:
            self._drop_old_pauses()
            pause = self._skipped[job_id] = _Pause(Timer(self._clock), _SKIPPED_SECONDS / 2)
        self._start(pause)
        if self._reports.is_due(error):
            emit(JobSkipped(job_id=job_id, reason=first_line(error)))

    def _begin_at(self, moment: str) -> None:
        # The jobs before this moment are tried again after the pause.
        if self._after is None:
            self._start(self._restart)
        self._after = moment
        self._skipped = {}

    def _start(self, pause: _Pause) -> None:
        pause.seconds = min(_SKIPPED_SECONDS_MAX, 2.0 * pause.seconds)
        pause.timer.start(pause.seconds)

    def _drop_old_pauses(self) -> None:
        if len(self._skipped) >= _SKIPPED_MAX:
            self._skipped = {
                job_id: pause for job_id, pause in self._skipped.items() if not pause.timer.is_due
            }
