"""Log lines and progress of running attempts, from when they are told until they are written.

They are written now and then, and with the ends of attempts; they hold up no end. On a whole
connection notes that fail are dropped: a full disk or a lock on the logs must not keep an end from
being written, nor one bad note the others.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TypeVar

from pgqueue.store import logs, progress
from pgqueue.store.claims import AttemptKey
from pgqueue.store.connection.link import Link
from pgqueue.store.database_errors import DATA_ERRORS, DATABASE_ERRORS, READ_ONLY_ERRORS
from pgqueue.store.logs import NewLogLine
from pgqueue.store.progress import Progress
from pgqueue.store.statement import Statement, run
from pgqueue.worker.in_flight import ActiveAttempt

_log = logging.getLogger("pgqueue.notes")

_LINES_MAX = 1000

# They are written this often at most, while nothing ends.
_WRITE_SECONDS = 0.5

T = TypeVar("T")

Line = tuple[ActiveAttempt, float, str, str, str, int]
"""Who logged, monotonic time, level, logger, message, its number in the attempt."""


class OutputBuffer:
    """What is not written yet; told on any thread, written on one.

    Args:
        on_first: Called when there is something to write, after there was not.
    """

    def __init__(self, on_first: Callable[[], None]) -> None:
        self._on_first = on_first
        self._lines = deque[Line]()
        self._progress: dict[AttemptKey, tuple[ActiveAttempt, float, str]] = {}
        self._write_at = 0.0

    @property
    def has_lines(self) -> bool:
        """Whether a line waits; progress that is never written is no loss."""
        return bool(self._lines)

    @property
    def due_in(self) -> float | None:
        """The seconds until they are to be written; None when there are none."""
        if not (self._lines or self._progress):
            return None
        return max(0.0, self._write_at - time.monotonic())

    def add_line(self, line: Line) -> None:
        """Write a log line soon, and before the end of its attempt."""
        self._lines.append(line)
        if len(self._lines) == 1:
            self._on_first()

    def add_progress(self, attempt: ActiveAttempt, fraction: float, message: str) -> None:
        """Write how far an attempt is soon; only the latest is written."""
        is_first = not self._progress
        self._progress[attempt.token] = (attempt, fraction, message)
        if is_first:
            self._on_first()

    def lines_of(self, attempt: ActiveAttempt) -> Statement[int]:
        """Write what an attempt has logged so far in somebody else's transaction."""
        theirs = []
        for line in list(self._lines):
            if line[0] is attempt:
                with suppress(ValueError):  # the writing thread was faster
                    self._lines.remove(line)
                    theirs.append(line)
        return logs.add_log_lines(map(_logged, theirs))

    def write(self, link: Link) -> None:
        """Write them all.

        Raises:
            psycopg.Error: The connection broke, or takes no writes; what was not written is
                written the next time, and once.
        """
        self._write_at = time.monotonic() + _WRITE_SECONDS
        self._write_lines(link)
        if self._progress:
            said = list(self._progress.values())
            # Settled in the task's own transaction, the row may be locked by it for long.
            told = [each for each in said if not each[0].is_completed]
            _ask(link, progress.write_progress, list(map(_progressed, told)))
            for attempt, fraction, message in said:
                if self._progress.get(attempt.token) == (attempt, fraction, message):
                    del self._progress[attempt.token]

    def _write_lines(self, link: Link) -> None:
        # Of one that completed itself it is known at its end whether that was committed.
        early: list[Line] = []
        try:
            while self._lines:
                due: list[Line] = []
                for line in _popped(self._lines, _LINES_MAX):
                    is_early = line[0].is_completed and not line[0].has_ended
                    (early if is_early else due).append(line)
                try:
                    _ask(link, logs.add_log_lines, list(map(_logged, due)))
                except BaseException:
                    self._lines.extendleft(reversed(due))
                    raise
        finally:
            self._lines.extendleft(reversed(early))


def _ask(link: Link, ask: Callable[[Iterable[T]], Statement[int]], output: Sequence[T]) -> None:
    if not output:
        return
    try:
        run(link, ask(output))
    except DATABASE_ERRORS as error:
        if not link.is_usable or isinstance(error, READ_ONLY_ERRORS):
            raise
        if isinstance(error, DATA_ERRORS) and len(output) > 1:
            for note in output:
                _ask(link, ask, [note])
            return
        facts = {"note_count": len(output), "reason": str(error)}
        _log.warning("notes dropped", extra=facts)


def _popped(lines: deque[Line], most: int) -> list[Line]:
    popped: list[Line] = []
    while lines and len(popped) < most:
        popped.append(lines.popleft())
    return popped


def _logged(line: Line) -> NewLogLine:
    attempt, at, level, logger, message, number = line
    claimed = attempt.claimed
    age_seconds = round(time.monotonic() - at, 6)
    token = (claimed.id, claimed.attempt, claimed.worker_id)
    return NewLogLine(*token, age_seconds, level, logger, message, number)


def _progressed(said: tuple[ActiveAttempt, float, str]) -> Progress:
    attempt, fraction, message = said
    claimed = attempt.claimed
    return Progress(claimed.id, claimed.attempt, claimed.worker_id, fraction, message)
