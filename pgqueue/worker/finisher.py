"""Settles ended attempts in batches, and writes the log lines and progress of running ones.

A lone attempt is settled at once; while that statement is under way others end, and they are
the next batch: the busier, the larger, and nobody waits for a clock. Writes only where this
worker still holds the attempt; one that was taken away meanwhile is reported and left alone.
Never decides what an end means: that is `settle.sql`. No line, and no job that somebody else has
locked, holds up the other ends.
"""

import logging
import queue
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

from pgqueue.core.events import emit
from pgqueue.core.lifecycle import JobStatus
from pgqueue.process.loop import Loop
from pgqueue.store import attempts
from pgqueue.store.attempts import Ended, LoggedLine, Progress, Token
from pgqueue.store.connect import Database, Link
from pgqueue.store.faults import BAD_DATA, FAILED, READ_ONLY, TOO_MUCH
from pgqueue.store.statement import Statement, run
from pgqueue.worker.running import Held, Running

_log = logging.getLogger("pgqueue.finisher")

_BATCH_MAX = 500

# Of results and tracebacks in one statement; a larger end goes alone.
_BATCH_BYTES_MAX = 8 * 1024 * 1024
_LINES_MAX = 1000

# How soon an end is settled whose job somebody else had locked.
_LOCKED_SECONDS = 0.2

# Lines and progress of running attempts are written this often at most.
_FLUSH_SECONDS = 0.5

T = TypeVar("T")

Line = tuple[Held, float, str, str, str, int]
"""Who logged, monotonic time, level, logger, message, its number in the attempt."""


class Finisher(Loop):
    """The loop that settles.

    Args:
        on_refused: Makes the end that is stored instead, when the database refused the data
            of an attempt's end.
    """

    def __init__(
        self,
        database: Database,
        running: Running,
        *,
        worker_id: int,
        on_refused: Callable[[Held, Exception], Ended],
    ) -> None:
        super().__init__(f"finisher {worker_id}", database)
        self._running = running
        self._on_refused = on_refused
        self._arrived = queue.SimpleQueue[tuple[Held, Ended] | None]()
        self._batch: list[tuple[Held, Ended]] = []
        self._locked: list[tuple[Held, Ended]] = []
        self._lines = deque[Line]()
        self._progress: dict[Token, tuple[Held, float, str]] = {}
        self._flush_at = 0.0
        self._is_doubtful = False
        self._are_lines_doubtful = False

    def put(self, held: Held, ended: Ended) -> None:
        """Settle this end soon."""
        held.has_ended = True
        self._arrived.put((held, ended))

    def note_line(self, line: Line) -> None:
        """Write a log line soon, and before the end of its attempt."""
        self._lines.append(line)
        if len(self._lines) == 1:
            self._arrived.put(None)

    def note_progress(self, held: Held, fraction: float, message: str) -> None:
        """Write how far an attempt is soon; only the latest is written."""
        is_first = not self._progress
        self._progress[held.token] = (held, fraction, message)
        if is_first:
            self._arrived.put(None)

    def lines_of(self, held: Held) -> Statement[int]:
        """Write what an attempt has logged so far in somebody else's transaction."""
        theirs = []
        for line in list(self._lines):
            if line[0] is held:
                with suppress(ValueError):  # our own thread was faster, and writes it
                    self._lines.remove(line)
                    theirs.append(line)
        return attempts.log(map(_logged, theirs), is_doubtful=self._are_lines_doubtful)

    def poke(self) -> None:
        """Take the next turn at once."""
        super().poke()
        self._arrived.put(None)

    @property
    def is_idle(self) -> bool:
        """Whether all that ended is settled and all that was logged is written."""
        return self._arrived.empty() and not (self._batch or self._locked or self._lines)

    def turn(self, link: Link) -> float:
        """Wait for ends, lines or progress, and write what there is."""
        if not self._batch:
            self._batch = self._wait()
            link = self.whole_link()  # it may have waited for long
        self._flush(link)
        while self._batch:
            self._settle(link, _first(self._batch))
        self._is_doubtful = False
        return 0.0

    def _after(self, error: Exception) -> float:
        # The reply was lost, perhaps after the commit: asked again, what is settled already
        # is missing from the answer, and that says nothing about the lease.
        self._is_doubtful = bool(self._batch)
        return super()._after(error)

    def _wait(self) -> list[tuple[Held, Ended]]:
        has_notes = bool(self._lines or self._progress)
        pause = max(0.0, self._flush_at - time.monotonic()) if has_notes else None
        if self._locked:
            pause = _LOCKED_SECONDS if pause is None else min(pause, _LOCKED_SECONDS)
        if self.is_stopping:
            pause = 0.0
        batch, self._locked = self._locked, []
        try:
            first = self._arrived.get(timeout=pause)
            if first is not None:
                batch.append(first)
            while len(batch) < _BATCH_MAX:
                arrived = self._arrived.get_nowait()
                if arrived is not None:
                    batch.append(arrived)
        except queue.Empty:
            pass
        return batch

    def _flush(self, link: Link) -> None:
        if not (self._lines or self._progress):
            return
        if not self._batch and time.monotonic() < self._flush_at and not self.is_stopping:
            return
        self._flush_at = time.monotonic() + _FLUSH_SECONDS
        while self._lines:
            lines = _popped(self._lines, _LINES_MAX)
            log = partial(attempts.log, is_doubtful=self._are_lines_doubtful)
            try:
                self._write(link, log, list(map(_logged, lines)))
            except BaseException:
                self._lines.extendleft(reversed(lines))
                self._are_lines_doubtful = True
                raise
        self._are_lines_doubtful = False
        if self._progress:
            said = list(self._progress.values())
            # Settled in the task's own transaction, the row may be locked by it for long.
            told = [each for each in said if not each[0].is_completed]
            self._write(link, attempts.tell_progress, list(map(_progressed, told)))
            for held, fraction, message in said:
                if self._progress.get(held.token) == (held, fraction, message):
                    del self._progress[held.token]

    def _write(
        self, link: Link, ask: Callable[[Sequence[T]], Statement[int]], notes: Sequence[T]
    ) -> None:
        # On a whole connection notes that fail are dropped: a full disk or a lock on the logs
        # must not keep an end from being written, nor one bad note the others.
        try:
            run(link, ask(notes))
        except FAILED as error:
            if not link.is_usable or isinstance(error, READ_ONLY):
                raise
            if isinstance(error, BAD_DATA) and len(notes) > 1:
                for note in notes:
                    self._write(link, ask, [note])
                return
            facts = {"note_count": len(notes), "reason": str(error)}
            _log.warning("notes dropped", extra=facts)

    def _settle(self, link: Link, ends: Sequence[tuple[Held, Ended]]) -> None:
        try:
            settled = run(link, attempts.settle(ended for _, ended in ends))
        except (*BAD_DATA, *TOO_MUCH) as error:
            if not link.is_usable:
                raise
            self._settle_in_parts(link, ends, error)
            return
        del self._batch[: len(ends)]
        for held, ended in ends:
            self._tell(held, ended, settled)

    def _settle_in_parts(
        self, link: Link, ends: Sequence[tuple[Held, Ended]], error: Exception
    ) -> None:
        # One end may hold what cannot be stored, or all of them be too much at once. It must
        # not hold up the others, nor its own report.
        if len(ends) > 1:
            middle = len(ends) // 2
            self._settle(link, ends[:middle])
            self._settle(link, ends[middle:])
        elif isinstance(error, BAD_DATA):
            held, _ = ends[0]
            self._batch[0] = (held, self._on_refused(held, error))
            self._settle(link, self._batch[:1])
        else:
            raise error

    def _tell(self, held: Held, ended: Ended, settled: Mapping[Token, JobStatus | None]) -> None:
        if held.token in settled and settled[held.token] is None:
            self._locked.append((held, ended))
            return
        self._running.settled(held.token)
        status = settled.get(held.token)
        if status is not None:
            emit("job.settled", job_id=ended.id, outcome=ended.outcome, status=status)
        elif not (held.is_completed or self._is_doubtful):
            facts = {"job_id": ended.id, "attempt": ended.attempt}
            emit("lease.lost", worker_id=ended.worker_id, **facts)
            _log.warning("lease lost", extra={**facts, "outcome": ended.outcome.value})


def _popped(lines: deque[Line], most: int) -> list[Line]:
    popped: list[Line] = []
    while lines and len(popped) < most:
        popped.append(lines.popleft())
    return popped


def _first(batch: Sequence[tuple[Held, Ended]]) -> list[tuple[Held, Ended]]:
    """As many ends as one statement takes, at least one."""
    first: list[tuple[Held, Ended]] = []
    size = 0
    for held, ended in batch[:_BATCH_MAX]:
        size += len(ended.result or "") + len(ended.traceback or "")
        if first and size > _BATCH_BYTES_MAX:
            break
        first.append((held, ended))
    return first


def _logged(line: Line) -> LoggedLine:
    held, at, level, logger, message, number = line
    claimed = held.claimed
    age_seconds = round(time.monotonic() - at, 6)
    token = (claimed.id, claimed.attempt, claimed.worker_id)
    return LoggedLine(*token, age_seconds, level, logger, message, number)


def _progressed(said: tuple[Held, float, str]) -> Progress:
    held, fraction, message = said
    claimed = held.claimed
    return Progress(claimed.id, claimed.attempt, claimed.worker_id, fraction, message)
