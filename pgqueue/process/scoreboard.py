"""What a worker shows its supervisor, in memory that both have.

It can be read whatever state the worker is in: stuck in C, stopped, or dead. It tells which job has
the main thread, which jobs were started, with their deadlines, when the claim loop turned last, and
whether it would claim at a hint. Nothing is decided from it that the rows could decide: it says who
among the jobs of one worker is guilty, and whether the worker still looks for any.
"""

import mmap
import os
import tempfile
import time
from math import inf
from typing import NamedTuple

# What is on it, by the number of the word: the place (counted from 1) of the job that has the
# main thread, 0 for none; since when, by the monotonic clock; whether places ran out; when the
# claim loop took its last turn; how many recalls have begun or ended; whether it waits for a hint.
# Each is one word, written at once, so that nobody reads half of it.
_SHOWN, _SINCE, _FULL, _TURNED, _RECALLS, _WAITING = range(6)
_HEAD = 6

# Job id, 0 for a free place; monotonic deadline, which is one clock for all processes of a host.
_WORDS = 2
_WORD_BYTES = 8


class RunningJob(NamedTuple):
    """A job that has the main thread, and the monotonic time since when."""

    job_id: int
    since: float


class Scoreboard:
    """A table of places in shared memory; the worker writes it, its supervisor reads it.

    One word goes the other way, the count of recalls: a worker that does not turn hears nothing
    else. It is odd while a recall is under way.

    Args:
        places: How many started jobs it can tell of.
        fd: A file for it, which another process has open too; none for this process alone.
    """

    def __init__(self, slots: int, fd: int = -1) -> None:
        size = _bytes(slots)
        if fd >= 0:
            os.ftruncate(fd, size)  # whoever is first; a file is begun before its size is known
        self._memory = mmap.mmap(fd, size)
        with memoryview(self._memory) as whole:
            self._counts = whole.cast("q")
            self._times = whole.cast("d")
        self._free = list(range(slots, 0, -1))
        self._slots = slots

    # For the worker.

    def start(self, job_id: int, deadline: float | None) -> int:
        """Tell of a job that is about to start; its place, 0 if none is left."""
        if not self._free:
            self._counts[_FULL] = 1
            self.show(0)
            return 0
        slot = self._free.pop()
        word = _word(slot)
        self._times[word + 1] = inf if deadline is None else deadline
        self._counts[word] = job_id
        return slot

    def end(self, slot: int) -> None:
        """Its task has ended, and it waits to be settled: it has no deadline any more."""
        if slot:
            self._times[_word(slot) + 1] = inf

    def forget(self, slot: int) -> None:
        """It is settled."""
        if slot:
            self._counts[_word(slot)] = 0
            self._free.append(slot)

    def show(self, slot: int) -> None:
        """The job of this place has the main thread now; 0 for none."""
        # In this order: who reads the new place reads no earlier time with it.
        self._times[_SINCE] = time.monotonic()
        self._counts[_SHOWN] = slot

    def turn(self) -> None:
        """The claim loop takes another turn, whatever comes of it."""
        self._times[_TURNED] = time.monotonic()

    def set_waiting(self, waits: bool) -> None:
        """Whether the claim loop found nothing more, or goes on by itself."""
        self._counts[_WAITING] = waits

    @property
    def reclaim_count(self) -> int:
        """How many recalls have begun or ended."""
        return self._counts[_RECALLS]

    # For the supervisor.

    def begin_reclaim(self) -> None:
        """From now on nothing that was claimed before is started, and nothing is claimed."""
        self._counts[_RECALLS] = self.reclaim_count | 1

    def end_reclaim(self) -> None:
        """Claims are welcome again."""
        self._counts[_RECALLS] = (self.reclaim_count | 1) + 1

    @property
    def is_waiting(self) -> bool:
        """Whether the worker would claim at a hint, and not before; one that is gone would not."""
        try:
            return bool(self._counts[_WAITING])
        except ValueError:  # closed, by the thread that buries workers
            return False

    def started(self) -> dict[int, float] | None:
        """Deadlines of the jobs that were started and are not settled; None if unknown."""
        if self._counts[_FULL]:
            return None
        jobs = zip(self._counts[_HEAD::_WORDS], self._times[_HEAD + 1 :: _WORDS], strict=True)
        return {job_id: deadline for job_id, deadline in jobs if job_id}

    def blocking(self, seconds: float) -> int | None:
        """The job that has had the main thread for so long without a pause; None if none has."""
        block = self.block(seconds)
        return None if block is None else block.job_id

    def block(self, seconds: float) -> RunningJob | None:
        """That job, and since when; None if none has had the thread for so long."""
        slot, since = self._counts[_SHOWN], self._times[_SINCE]
        if not 1 <= slot <= self._slots or time.monotonic() - since < seconds:
            return None
        job_id = self._counts[_word(slot)]
        # Two words: where a processor shows them in another order, they are not the same for long.
        is_so = (slot, since) == (self._counts[_SHOWN], self._times[_SINCE])
        return RunningJob(job_id, since) if job_id and is_so else None

    def stalled_seconds(self) -> float:
        """For how long the claim loop has taken no turn; 0 before its first."""
        turned_at = self._times[_TURNED]
        return time.monotonic() - turned_at if turned_at else 0.0

    def close(self) -> None:
        """Let go of the memory."""
        self._counts.release()
        self._times.release()
        self._memory.close()


def _word(slot: int) -> int:
    return _HEAD + (slot - 1) * _WORDS


def _bytes(slots: int) -> int:
    return (_HEAD + slots * _WORDS) * _WORD_BYTES


def scoreboard_file() -> int:
    """A file for a board, without a name and still empty; the caller closes it."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("pgqueue")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
