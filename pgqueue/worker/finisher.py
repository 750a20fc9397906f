"""Settles ended attempts in batches, and writes what running ones told in between.

A lone attempt is settled at once; while that statement is under way others end, and they are
the next batch: the busier, the larger, and nobody waits for a clock. Writes only where this
worker still holds the attempt; one that was taken away meanwhile is reported and left alone.
Never decides what an end means: that is `settle.sql`. No note, no job that somebody else has
locked, and no end that the database will not have, holds up the other ends.
"""

import logging
import queue
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

from pgqueue.core.events import emit
from pgqueue.core.lifecycle import JobStatus
from pgqueue.process.loop import Loop
from pgqueue.store.attempts import NOT_STARTED, Ended, Token
from pgqueue.store.connect import Database, Link
from pgqueue.store.faults import BAD_DATA
from pgqueue.store.settling import ENDS_MAX, settle
from pgqueue.worker.notes import Notes
from pgqueue.worker.running import Held, Running

_log = logging.getLogger("pgqueue.finisher")

# How soon an end is settled whose job somebody else had locked: a claim that came too late, for a
# moment, or somebody's transaction.
_LOCKED_SECONDS = 0.01
_LOCKED_SECONDS_MAX = 0.2

# How soon again one that took too long, or that the database would not even have a report of:
# until somebody takes away the trigger or the constraint that refuses it.
_REFUSED_SECONDS = 10.0


@dataclass(slots=True)
class _End:
    """An end to settle.

    Attributes:
        at: Monotonic time before which it is not asked for.
        pause: The last wait for somebody who had the job locked, in seconds.
        is_report: Whether it tells in the place of another that that was refused.
    """

    held: Held
    ended: Ended
    at: float = 0.0
    pause: float = 0.0
    is_report: bool = False


class Finisher(Loop):
    """The loop that settles.

    Args:
        on_refused: Makes the end that is stored instead, when the database refused an
            attempt's end.
    """

    needs_schema = False

    def __init__(
        self,
        database: Database,
        running: Running,
        *,
        worker_id: int,
        on_refused: Callable[[Held, Exception], Ended],
    ) -> None:
        super().__init__(f"finisher {worker_id}", database)
        self.notes = Notes(on_first=lambda: self._arrived.put(None))
        self._running = running
        self._on_refused = on_refused
        self._arrived = queue.SimpleQueue[_End | None]()
        self._batch: list[_End] = []
        self._later: list[_End] = []
        self._is_doubtful = False

    def put(self, held: Held, ended: Ended) -> None:
        """Settle this end soon."""
        held.has_ended = True
        self._arrived.put(_End(held, ended))

    def expect(self) -> None:
        """Something is about to be claimed: see that the connection is whole; on any thread.

        Should that of the claims have fallen silent as well, both are found out side by side.
        A pause after a failure is not cut short by it.
        """
        self._arrived.put(None)

    def poke(self) -> None:
        """Take the next turn at once."""
        super().poke()
        self._arrived.put(None)

    @property
    def is_idle(self) -> bool:
        """Whether all that ended is settled and all that was logged is written."""
        is_settled = self._arrived.empty() and not (self._batch or self._later)
        return is_settled and not self.notes.has_lines

    def turn(self, link: Link) -> float:
        """Wait for ends or notes, and write what there is."""
        if not self._batch:
            self._batch = self._wait()
            link = self.whole_link()  # it may have waited for long
        due_in = self.notes.due_in
        if due_in is not None and (self._batch or not due_in or self.is_stopping):
            self.notes.write(link)
        while self._batch:
            for count, answer in settle(link, [end.ended for end in self._batch]):
                told, self._batch = self._batch[:count], self._batch[count:]
                if isinstance(answer, Exception):
                    self._refused(told[0], answer)
                else:
                    for end in told:
                        self._settled(end, answer)
        self._is_doubtful = False
        return 0.0

    def _after(self, error: BaseException) -> float:
        # The reply was lost, perhaps after the commit: asked again, what is settled already
        # is missing from the answer, and that says nothing about the lease.
        self._is_doubtful = bool(self._batch)
        return super()._after(error)

    def _wait(self) -> list[_End]:
        batch: list[_End] = []
        try:
            first = self._arrived.get(timeout=self._pause())
            if first is not None:
                batch.append(first)
            while len(batch) < ENDS_MAX:
                arrived = self._arrived.get_nowait()
                if arrived is not None:
                    batch.append(arrived)
        except queue.Empty:
            pass
        now = inf if self.is_stopping else time.monotonic()
        due = [end for end in self._later if end.at <= now]
        self._later = [end for end in self._later if end.at > now]
        return due + batch

    def _pause(self) -> float | None:
        if self.is_stopping:
            return 0.0
        pauses = [end.at - time.monotonic() for end in self._later]
        if (due_in := self.notes.due_in) is not None:
            pauses.append(due_in)
        return max(0.0, min(pauses)) if pauses else None

    def _settled(self, end: _End, answer: Mapping[Token, JobStatus | None]) -> None:
        held, ended = end.held, end.ended
        status = answer.get(held.token)
        if status is None and held.token in answer:
            end.pause = min(_LOCKED_SECONDS_MAX, max(_LOCKED_SECONDS, 2.0 * end.pause))
            self._put_off(end, end.pause)
            return
        self._running.settled(held.token)
        if status is not None:
            emit("job.settled", job_id=ended.id, outcome=ended.outcome, status=status)
        elif not (held.is_completed or self._is_doubtful):
            facts = {"job_id": ended.id, "attempt": ended.attempt}
            emit("lease.lost", worker_id=ended.worker_id, **facts)
            # What was handed back may have been taken back already, with no loss to anybody.
            level = logging.DEBUG if ended.error_type == NOT_STARTED else logging.WARNING
            _log.log(level, "lease lost", extra={**facts, "outcome": ended.outcome.value})

    def _refused(self, end: _End, error: Exception) -> None:
        # What only took too long is stored as it is when the server is quicker.
        if isinstance(error, BAD_DATA) and not end.is_report:
            report = self._on_refused(end.held, error)
            self._batch.append(_End(end.held, report, is_report=True))
            return
        facts = {"job_id": end.ended.id, "attempt": end.ended.attempt, "reason": str(error)}
        _log.error("end refused, trying again", extra=facts)
        self._put_off(end, _REFUSED_SECONDS)

    def _put_off(self, end: _End, seconds: float) -> None:
        end.at = time.monotonic() + seconds
        self._later.append(end)
