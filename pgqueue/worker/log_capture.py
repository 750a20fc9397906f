"""Copies what a task logs, on any logger, into the log of its job.

A line belongs to the job in whose context it was logged. Each attempt has limits: lines beyond them
are counted, and the last line says how many there were.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from pgqueue.core.clock import MONOTONIC, Clock
from pgqueue.core.job_context import find_current_host
from pgqueue.core.values.clean_text import clean_text
from pgqueue.core.values.log_text import MESSAGE_BYTES_MAX, record_text
from pgqueue.worker.active_attempt import ActiveAttempt
from pgqueue.worker.job_context import AttemptHost
from pgqueue.worker.output_buffer import LoggedLine

_NAME_BYTES_MAX = 200


@dataclass(slots=True)
class OutputCounts:
    """What one attempt has logged. Any thread writes it, under the handler's lock."""

    line_count: int = 0
    line_bytes: int = 0
    dropped_count: int = 0


class LogCapture(logging.Handler):
    """Captures each line of a running job.

    Args:
        add_line: Takes each line, to be written soon.
        lines_max: Lines of one attempt.
        bytes_max: Bytes of all lines of one attempt.

    Attributes:
        _counts: The counts of each attempt that has logged. Any thread adds, under the
            handler's lock; the main thread removes when the attempt has ended.
    """

    def __init__(
        self,
        add_line: Callable[[LoggedLine], None],
        *,
        lines_max: int,
        bytes_max: int,
        clock: Clock = MONOTONIC,
    ) -> None:
        super().__init__()
        self._add_line = add_line
        self._lines_max = lines_max
        self._bytes_max = bytes_max
        self._clock = clock
        self._counts: dict[ActiveAttempt, OutputCounts] = {}

    def install(self) -> None:
        """Capture the lines of every logger of this process from now on.

        Not as a handler of the root logger, which an application replaces when it sets up logging,
        and to which some loggers do not propagate.
        """
        call_handlers = logging.Logger.callHandlers

        def capture_and_call(logger: logging.Logger, record: logging.LogRecord) -> None:
            self.handle(record)
            call_handlers(logger, record)

        logging.Logger.callHandlers = capture_and_call  # type: ignore[method-assign, assignment]

    def emit(self, record: logging.LogRecord) -> None:
        """Capture the line, unless no job runs here or its limits are reached."""
        host = find_current_host()
        if not isinstance(host, AttemptHost) or host.attempt.has_ended:
            return
        attempt = host.attempt
        counts = self._counts.setdefault(attempt, OutputCounts())
        bytes_left = self._bytes_max - counts.line_bytes
        if counts.line_count >= self._lines_max or bytes_left <= 0:
            counts.dropped_count += 1
            return
        message = record_text(record, min(MESSAGE_BYTES_MAX, bytes_left))
        counts.line_count += 1
        counts.line_bytes += len(message.encode())
        level, logger = (
            clean_text(str(name), _NAME_BYTES_MAX) for name in (record.levelname, record.name)
        )
        self._add(attempt, level, logger, message, counts.line_count)

    def end(self, attempt: ActiveAttempt) -> None:
        """Log how many lines of an ended attempt were dropped, if any were."""
        counts = self._counts.pop(attempt, None)
        if counts is not None and counts.dropped_count:
            message = (
                f"{counts.dropped_count} more lines were dropped: an attempt keeps "
                f"{self._lines_max} lines and {self._bytes_max} bytes"
            )
            self._add(attempt, "WARNING", "pgqueue", message, counts.line_count + 1)

    def _add(
        self, attempt: ActiveAttempt, level: str, logger: str, message: str, number: int
    ) -> None:
        logged_at = self._clock.monotonic()
        self._add_line(LoggedLine(attempt, logged_at, level, logger, message, number))
