"""Counts what this worker does, and sends the counts to its supervisor."""

from collections.abc import Iterable

from pgqueue.core.clock import MONOTONIC, Clock, Timer
from pgqueue.core.lifecycle import JobStatus
from pgqueue.worker.in_flight import InFlight
from pgqueue.worker.supervisor_link import Reports

_SEND_SECONDS = 1.0


class Counters:
    """Totals since the start of one worker.

    Attributes:
        claimed: Attempts that it claimed. The fetcher's thread.
        succeeded, failed: Attempts whose jobs ended so. The finisher's thread. A success by
            `complete()` counts only where something listens to `job.succeeded`: to find out
            whether it was committed takes a statement.
        _sent: The counts that were sent last. The fetcher's thread.
    """

    def __init__(
        self, in_flight: InFlight, reports: Reports | None, *, clock: Clock = MONOTONIC
    ) -> None:
        self.claimed = 0
        self.succeeded = 0
        self.failed = 0
        self._in_flight = in_flight
        self._reports = reports
        self._send = Timer(clock)
        self._sent: dict[str, float | None] = {}

    def add_settled(self, statuses: Iterable[object]) -> None:
        """Count the attempts of one answer, by the statuses with which they left their jobs."""
        counted = list(statuses)
        self.succeeded += counted.count(JobStatus.SUCCEEDED)
        self.failed += counted.count(JobStatus.FAILED)

    def send_changes(self) -> None:
        """Send the counts if they changed, at most once a second. The fetcher's thread."""
        if self._reports is None or not self._send.is_due:
            return
        counts = self.values()
        # A message that cannot be sent now is replaced by a newer one at a later turn.
        if counts != self._sent and self._reports.counters(**counts):
            self._sent = counts
            self._send.start(_SEND_SECONDS)

    def values(self) -> dict[str, float | None]:
        """The counts as the fields of a message."""
        average = self._in_flight.prefetch.run_seconds
        return {
            "busy_slots": self._in_flight.busy_slots,
            "run_seconds": None if average is None else round(average, 6),
            "claimed": self.claimed,
            "succeeded": self.succeeded,
            "failed": self.failed,
        }
