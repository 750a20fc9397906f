"""Log lines and progress of running attempts, until they are written.

They are written every half second, and together with settlements; they delay no settlement. On a
healthy connection, output that the database refuses is dropped. A full disk or a lock on the logs
must not keep an outcome from being written, nor one bad line the other lines.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple, TypeVar

from pgqueue.core.clock import MONOTONIC, Clock, Timer
from pgqueue.core.events.event import emit
from pgqueue.core.events.jobs import OutputDropped
from pgqueue.store import logs, progress
from pgqueue.store.connection.link import Link
from pgqueue.store.database_errors import DATA_ERRORS, DATABASE_ERRORS, READ_ONLY_ERRORS
from pgqueue.store.logs import NewLogLine
from pgqueue.store.progress import Progress
from pgqueue.store.statement import Statement, run
from pgqueue.worker.active_attempt import ActiveAttempt

_LINES_MAX = 1000

# The time between two writes while nothing is settled.
_WRITE_SECONDS = 0.5

T = TypeVar("T")


class LoggedLine(NamedTuple):
    """A line that an attempt logged.

    Attributes:
        logged_at: Monotonic time.
        number: Its number among the lines of the attempt, from 1.
    """

    attempt: ActiveAttempt
    logged_at: float
    level: str
    logger: str
    message: str
    number: int


class OutputBuffer:
    """Output that is not written yet.

    Args:
        on_first: Called when there is output to write, after there was none.

    Attributes:
        _lines: Any thread appends, the finisher removes; so does `take_lines`, on any thread.
        _progress: Any thread adds, the finisher removes.
        _write: The finisher's thread.
    """

    def __init__(self, on_first: Callable[[], None], *, clock: Clock = MONOTONIC) -> None:
        self._on_first = on_first
        self._clock = clock
        self._lines = deque[LoggedLine]()
        self._progress: dict[ActiveAttempt, tuple[ActiveAttempt, float, str]] = {}
        self._write = Timer(clock)

    @property
    def has_lines(self) -> bool:
        """Whether a line waits; progress that is never written is no loss."""
        return bool(self._lines)

    @property
    def seconds_until_due(self) -> float | None:
        """The seconds until the output is written; None when there is none."""
        return self._write.seconds_left if self._lines or self._progress else None

    def add_line(self, line: LoggedLine) -> None:
        """Write a log line soon, and before the settlement of its attempt."""
        self._lines.append(line)
        if len(self._lines) == 1:
            self._on_first()

    def add_progress(self, attempt: ActiveAttempt, fraction: float, message: str) -> None:
        """Write how far an attempt is soon; only the latest progress is written."""
        is_first = not self._progress
        self._progress[attempt] = (attempt, fraction, message)
        if is_first:
            self._on_first()

    def take_lines(self, attempt: ActiveAttempt) -> Statement[int]:
        """A statement that writes what an attempt has logged, for another transaction."""
        lines = []
        for line in list(self._lines):
            if line.attempt is attempt:
                with suppress(ValueError):  # the finisher was faster
                    self._lines.remove(line)
                    lines.append(line)
        return logs.add_log_lines(map(self._new_log_line, lines))

    def write(self, link: Link) -> None:
        """Write all output.

        Raises:
            psycopg.Error: The connection broke, or takes no writes. Output that was not written
                is written the next time, and once.
        """
        self._write.start(_WRITE_SECONDS)
        self._write_lines(link)
        if self._progress:
            latest = list(self._progress.values())
            # A task that settled itself may keep its row locked for long.
            rows = [_new_progress(*entry) for entry in latest if not entry[0].is_completed]
            _write(link, progress.write_progress, rows)
            for entry in latest:
                if self._progress.get(entry[0]) == entry:
                    del self._progress[entry[0]]

    def _write_lines(self, link: Link) -> None:
        # Whether a completion was committed is known when its attempt has ended.
        early: list[LoggedLine] = []
        try:
            while self._lines:
                due: list[LoggedLine] = []
                for line in _popped(self._lines, _LINES_MAX):
                    is_early = line.attempt.is_completed and not line.attempt.has_ended
                    (early if is_early else due).append(line)
                try:
                    _write(link, logs.add_log_lines, list(map(self._new_log_line, due)))
                except BaseException:
                    self._lines.extendleft(reversed(due))
                    raise
        finally:
            self._lines.extendleft(reversed(early))

    def _new_log_line(self, line: LoggedLine) -> NewLogLine:
        claimed = line.attempt.claimed
        return NewLogLine(
            claimed.id,
            claimed.attempt,
            claimed.worker_id,
            round(self._clock.monotonic() - line.logged_at, 6),
            line.level,
            line.logger,
            line.message,
            line.number,
        )


def _write(
    link: Link, statement_of: Callable[[Iterable[T]], Statement[int]], rows: Sequence[T]
) -> None:
    if not rows:
        return
    try:
        run(link, statement_of(rows))
    except DATABASE_ERRORS as error:
        if not link.is_usable or isinstance(error, READ_ONLY_ERRORS):
            raise
        if isinstance(error, DATA_ERRORS) and len(rows) > 1:
            for row in rows:
                _write(link, statement_of, [row])
            return
        emit(OutputDropped(count=len(rows), reason=str(error)))


def _popped(lines: deque[LoggedLine], count_max: int) -> list[LoggedLine]:
    popped: list[LoggedLine] = []
    while lines and len(popped) < count_max:
        popped.append(lines.popleft())
    return popped


def _new_progress(attempt: ActiveAttempt, fraction: float, message: str) -> Progress:
    claimed = attempt.claimed
    return Progress(claimed.id, claimed.attempt, claimed.worker_id, fraction, message)
