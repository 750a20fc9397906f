"""Log lines and progress of running attempts, until they are written.

They are written every half second, and together with settlements; a settlement waits for the lines
of its own attempt only. Many or large lines are written in batches, and settlements in between. On
a healthy connection, output that the database refuses is dropped. A full disk or a lock on the logs
must not keep an outcome from being written, nor one bad line the other lines.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple, TypeVar

from pgqueue.core.adaptive_batch import AdaptiveBatch
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

# Bytes of lines in one statement; a larger line is written alone. A line of 10 Mbit/s carries them
# in less than a second, and a settlement may have to wait as long.
_BYTES_MAX = 1024 * 1024

# JSON writes a character that is not ASCII in up to 12 bytes, most of them in 6.
_CHARACTER_BYTES = 6
_FIELDS_BYTES = 200

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
        _write, _size, _is_behind: The finisher's thread.
    """

    def __init__(self, on_first: Callable[[], None], *, clock: Clock = MONOTONIC) -> None:
        self._on_first = on_first
        self._clock = clock
        self._lines = deque[LoggedLine]()
        self._progress: dict[ActiveAttempt, tuple[ActiveAttempt, float, str]] = {}
        self._write = Timer(clock)
        self._size = AdaptiveBatch(_BYTES_MAX)
        self._is_behind = False

    @property
    def has_lines(self) -> bool:
        """Whether a line waits; progress that is never written is no loss."""
        return bool(self._lines)

    @property
    def is_behind(self) -> bool:
        """Whether lines were left for another batch, which is due at once."""
        return self._is_behind and bool(self._lines)

    @property
    def seconds_until_due(self) -> float | None:
        """The seconds until the output is written; None when there is none."""
        if self.is_behind:
            return 0.0
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

    def attempts_with_lines(self) -> set[ActiveAttempt]:
        """The attempts that have lines which are not written yet."""
        return {line.attempt for line in list(self._lines)}

    def write(self, link: Link, ended: Collection[ActiveAttempt] = ()) -> None:
        """Write all output, or a batch of lines; then `is_behind` is true.

        Args:
            ended: Attempts that wait to be settled. Their lines come first when it is behind.

        Raises:
            psycopg.Error: The connection broke, or takes no writes. Output that was not written
                is written the next time, and once.
        """
        self._write.start(_WRITE_SECONDS)
        if self.is_behind and ended:
            self._move_to_front(set(ended))
        self._is_behind = self._write_lines(link)
        if self._progress and not self._is_behind:
            latest = list(self._progress.values())
            # A task that settled itself may keep its row locked for long.
            rows = [_new_progress(*entry) for entry in latest if not entry[0].is_completed]
            _write(link, progress.write_progress, rows)
            for entry in latest:
                if self._progress.get(entry[0]) == entry:
                    del self._progress[entry[0]]

    def _move_to_front(self, attempts: Collection[ActiveAttempt]) -> None:
        lines = list(iter(self._pop, None))
        for is_first in (False, True):
            chosen = [line for line in lines if (line.attempt in attempts) is is_first]
            self._lines.extendleft(reversed(chosen))

    def _write_lines(self, link: Link) -> bool:
        """Write a batch of lines; whether others that are due are left."""
        # Whether a completion was committed is known when its attempt has ended.
        early: list[LoggedLine] = []
        due: list[LoggedLine] = []
        size = 0
        try:
            while (line := self._pop()) is not None:
                if line.attempt.is_completed and not line.attempt.has_ended:
                    early.append(line)
                    continue
                size += _size_of(line)
                if due and (size > self._size.size or len(due) == _LINES_MAX):
                    self._lines.appendleft(line)
                    break
                due.append(line)
            is_left = bool(self._lines)
            try:
                _write(link, logs.add_log_lines, list(map(self._new_log_line, due)))
            except BaseException:
                self._lines.extendleft(reversed(due))
                self._size.halve(self._size.size)
                raise
            self._size.grow()
            return is_left
        finally:
            self._lines.extendleft(reversed(early))

    def _pop(self) -> LoggedLine | None:
        # `take_lines` may remove the last line at any moment.
        try:
            return self._lines.popleft()
        except IndexError:
            return None

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


def _size_of(line: LoggedLine) -> int:
    """About the bytes that a line takes in a statement."""
    message = line.message
    return len(message) * (1 if message.isascii() else _CHARACTER_BYTES) + _FIELDS_BYTES


def _new_progress(attempt: ActiveAttempt, fraction: float, message: str) -> Progress:
    claimed = attempt.claimed
    return Progress(claimed.id, claimed.attempt, claimed.worker_id, fraction, message)
