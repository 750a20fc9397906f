"""Brings what a task logs, on any logger, into the log of its job.

A handler on the root logger; a line belongs to the job of the context it was logged in. Each
attempt has limits: past them lines are counted, and the count is the last line.
"""

import logging
import time
from collections.abc import Callable

from pgqueue.core.current import JobContext, find_current_job
from pgqueue.core.log_text import MESSAGE_BYTES_MAX, record_text
from pgqueue.core.sanitise import clean_text
from pgqueue.worker.notes import Line
from pgqueue.worker.running import Held

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
        held_of: Callable[[JobContext], Held | None],
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
        held = None if context is None else self._held_of(context)
        if held is None or held.has_ended:
            return
        room = self._bytes_max - held.line_bytes
        if held.line_count >= self._lines_max or room <= 0:
            held.lines_dropped += 1
            return
        message = record_text(record, min(MESSAGE_BYTES_MAX, room))
        held.line_count += 1
        held.line_bytes += len(message.encode())
        level, logger = (
            clean_text(str(name), _NAME_BYTES_MAX) for name in (record.levelname, record.name)
        )
        self._note((held, time.monotonic(), level, logger, message, held.line_count))

    def tell_dropped(self, held: Held) -> None:
        """Say at an attempt's end how many of its lines were dropped, if any were."""
        if held.lines_dropped:
            text = (
                f"{held.lines_dropped} more lines were dropped: an attempt keeps "
                f"{self._lines_max} lines and {self._bytes_max} bytes"
            )
            number = held.line_count + 1
            self._note((held, time.monotonic(), "WARNING", "pgqueue", text, number))
