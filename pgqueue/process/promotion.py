"""When a supervisor queues the scheduled jobs that are due."""

from pgqueue.core.backoff import backoff_seconds
from pgqueue.core.clock import MONOTONIC, Clock, Stopwatch, Timer
from pgqueue.core.events.event import emit
from pgqueue.core.events.services import PromotionFailed
from pgqueue.process.turns import Turns
from pgqueue.store import promotion
from pgqueue.store.batched_statement import BatchedStatement
from pgqueue.store.connection.link import Link
from pgqueue.store.database_errors import DATABASE_ERRORS, READ_ONLY_ERRORS

JOBS_MAX = 1000
"""Jobs that one statement promotes."""

INTERVAL_SECONDS_MIN = 0.01

INTERVAL_SECONDS_MAX = 10.0
"""A scan reports no job that fell due more than a minute ago; a promotion this often finds it."""


class Promotion:
    """Promotes jobs when a scan reports that they fall due, and every 10 s without a report.

    A supervisor that takes turns with others promotes the jobs that fall due before the next one's
    turn, and promotes without a report less often.

    Only the dispatcher's thread writes its fields.

    Args:
        poll_seconds: Seconds between two polls of any supervisor.

    Attributes:
        turns: Whose turn it is to poll; always this supervisor's at first.
    """

    def __init__(self, poll_seconds: float, *, clock: Clock = MONOTONIC) -> None:
        self.turns = Turns(clock)
        self._poll_seconds = poll_seconds
        self._batches = BatchedStatement(
            promotion.promote, promotion.first_scheduled, JOBS_MAX, clock=clock
        )
        self._due = Timer(clock)
        self._promoted = Stopwatch(clock)
        self._failures = 0

    def is_due(self, *, is_poll: bool, may_scan: bool) -> bool:
        """Whether jobs are to be promoted in this turn of the dispatcher.

        A promotion without a report comes with the last poll before its own time: a turn between
        two polls costs a scan too. See test_a_promotion_without_a_report_comes_with_a_poll.

        Args:
            may_scan: Whether scans report due jobs now; without scans every poll promotes.
        """
        if is_poll and not may_scan and not self._failures:
            return True
        early_seconds = self._poll_seconds * self.turns.supervisors if is_poll else 0.0
        return self._due.is_due or self._promoted.seconds >= self._interval_seconds - early_seconds

    @property
    def _interval_seconds(self) -> float:
        return INTERVAL_SECONDS_MAX * self.turns.supervisors

    @property
    def seconds_left(self) -> float:
        """Seconds until the next promotion."""
        unreported = self._interval_seconds - self._promoted.seconds
        return max(0.0, min(self._due.seconds_left, unreported))

    def expire(self) -> None:
        """Be due at once, on a new connection."""
        self._due.expire()

    def promote(self, link: Link) -> int:
        """Promote one batch, so that many due jobs delay neither wake-ups nor requests.

        Returns how many jobs were promoted.

        Raises:
            psycopg.Error: The database failed, and not because of the jobs.
        """
        self._due.stop()
        self._promoted.restart()
        try:
            if self._batches.take(link):
                self._due.expire()
            self._failures = 0
        except DATABASE_ERRORS as error:
            # Jobs that cannot be promoted must not keep other jobs from being run.
            if not (link.is_usable and link.is_idle) or isinstance(error, READ_ONLY_ERRORS):
                raise
            self._failures += 1
            pause = backoff_seconds(self._failures)
            self._due.start(pause)
            reason = str(error).strip().partition("\n")[0]
            emit(
                PromotionFailed(
                    failures=self._failures, pause_seconds=round(pause, 2), reason=reason
                )
            )
        return self._batches.changed_count

    def schedule(self, due_in_seconds: float) -> bool:
        """Promote when the next job falls due, as a scan reports it.

        Returns whether a job is due that no promotion of ours has tried: another supervisor may
        be promoting it, without a notification.
        """
        if self._failures:
            return False
        if self.turns.supervisors > 1 and due_in_seconds > self._poll_seconds:
            return False  # the supervisor that polls before then sees it too
        since_seconds = self._promoted.seconds
        # A job that was due at the last promotion is locked, or the database refused it.
        is_left_over = due_in_seconds < -since_seconds
        interval = self._poll_seconds if is_left_over else INTERVAL_SECONDS_MIN
        self._due.bring_forward(max(due_in_seconds, interval - since_seconds))
        return due_in_seconds <= 0.0 and not is_left_over
