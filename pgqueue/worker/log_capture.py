"""Brings what a task logs, on any logger, into the log of its job.

A handler on the root logger; a line belongs to the job of the context it was logged in. Each
attempt has limits: past them lines are counted, and the count is the last line.
"""

import logging
import time
from collections.abc import Callable

from pgqueue.core.current import JobContext, find_current_job
from pgqueue.core.values.clean_text import clean_text
from pgqueue.core.values.log_text import MESSAGE_BYTES_MAX, record_text
from pgqueue.worker.in_flight import ActiveAttempt
from pgqueue.worker.output_buffer import Line

_NAME_BYTES_MAX = 200


class LogCapture(logging.Handler):
    """Notes each line of a running job.

    Args:
        held_of: The attempt in hand that a context belongs to.
        note: Takes each line, to be written soon.
        lines_max: Lines of one attempt.
        bytes_max: Bytes of all lines of one attempt.
    """

    def __init__(
        self,
        *,
        held_of: Callable[[JobContext], ActiveAttempt | None],
        note: Callable[[Line], None],
        lines_max: int,
        bytes_max: int,
    ) -> None:
        super().__init__()
        self._held_of = held_of
        self._note = note
        self._lines_max = lines_max
        self._bytes_max = bytes_max

    def emit(self, record: logging.LogRecord) -> None:
        """Note the line, unless no job runs here or its limits are reached."""
        context = find_current_job()
        attempt = None if context is None else self._held_of(context)
        if attempt is None or attempt.has_ended:
            return
        room = self._bytes_max - attempt.line_bytes
        if attempt.line_count >= self._lines_max or room <= 0:
            attempt.lines_dropped += 1
            return
        message = record_text(record, min(MESSAGE_BYTES_MAX, room))
        attempt.line_count += 1
        attempt.line_bytes += len(message.encode())
        level, logger = (
            clean_text(str(name), _NAME_BYTES_MAX) for name in (record.levelname, record.name)
        )
        self._note((attempt, time.monotonic(), level, logger, message, attempt.line_count))

    def tell_dropped(self, attempt: ActiveAttempt) -> None:
        """Say at an attempt's end how many of its lines were dropped, if any were."""
        if attempt.lines_dropped:
            text = (
                f"{attempt.lines_dropped} more lines were dropped: an attempt keeps "
                f"{self._lines_max} lines and {self._bytes_max} bytes"
            )
            number = attempt.line_count + 1
            self._note((attempt, time.monotonic(), "WARNING", "pgqueue", text, number))
