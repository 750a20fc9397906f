"""A worker's state, in memory that the worker shares with its supervisor.

The supervisor can read it in every state of the worker: stuck in C, stopped, or dead. It shows
which job has the main thread, which jobs were started with their deadlines, when the claim loop
took its last turn, and whether the worker waits to be woken. The rows decide what happens to jobs;
the scoreboard only shows which job of a worker is responsible, and whether the worker still claims.
"""

import mmap
import os
import tempfile
from math import inf
from typing import NamedTuple

from pgqueue.core.clock import MONOTONIC, Clock

# The words of the head, by their number: the slot of the job that has the main thread, 0 for none;
# its monotonic time of that; the monotonic time of the claim loop's last turn; how many reclaims
# were started or ended; whether it waits to be woken; when its jobs are interrupted unless its
# lease is renewed, 0 without a lease; how many jobs were started without a slot, as none was free,
# how many of these have ended, and how many of these are settled.
# Each is one word that is written at once, so that nobody reads half of it.
_RUNNING, _SINCE, _TURNED, _RECLAIMS, _WAITING, _INTERRUPT = range(6)
_UNSHOWN, _UNSHOWN_ENDED, _UNSHOWN_SETTLED = range(6, 9)
_HEAD = 9

# In the place of the slot of a job for which none was free.
_NO_SLOT = -1

# In the place of the deadline of a job whose task has ended.
_ENDED = -inf

# A slot: job id, 0 for a free one; and its deadline. It is named by the number of its first word.
_WORDS = 2
_WORD_BYTES = 8


class RunningJob(NamedTuple):
    """A job that has the main thread, and since which monotonic time."""

    job_id: int
    since: float


class Scoreboard:
    """A table of slots in shared memory; the worker writes it, its supervisor reads it.

    Two words go the other way, as a worker whose claim loop stands still reads no message: the
    count of reclaims, which is odd while a reclaim is active, and the time of its lease.

    The threads of a worker share its scoreboard: a run's thread calls `add`, `finish` and
    `set_running`, the finisher `remove`, the claim loop `record_turn` and `set_waiting`.

    Args:
        slots: How many started jobs it has space for.
        fd: A file for it, which another process has open too; none for this process alone.
        clock: Its times are seconds of this clock, which all processes of a host must share.
    """

    def __init__(self, slots: int, fd: int = -1, *, clock: Clock = MONOTONIC) -> None:
        size = _bytes(slots)
        if fd >= 0:
            # The file is made before its size is known; the first of the two processes sets it.
            os.ftruncate(fd, size)
        self._clock = clock
        self._map(fd, size)
        self._free = list(range(_HEAD, len(self._counts), _WORDS))

    # For the worker.

    def add(self, job_id: int, deadline: float | None) -> int:
        """Show a job that is about to start; its slot, -1 if no slot is free."""
        if not self._free:
            self._counts[_UNSHOWN] += 1
            self.set_running(0)
            return _NO_SLOT
        slot = self._free.pop()
        self._times[slot + 1] = inf if deadline is None else deadline
        self._counts[slot] = job_id
        return slot

    def finish(self, slot: int) -> None:
        """Remove a job's deadline: its task has ended, and it waits to be settled."""
        if slot > 0:
            self._times[slot + 1] = _ENDED
        elif slot == _NO_SLOT:
            self._counts[_UNSHOWN_ENDED] += 1

    def remove(self, slot: int) -> None:
        """Free a job's slot: it is settled."""
        if slot > 0:
            self._counts[slot] = 0
            self._free.append(slot)
        elif slot == _NO_SLOT:
            self._counts[_UNSHOWN_SETTLED] += 1

    def set_running(self, slot: int) -> None:
        """Show that the job of this slot has the main thread from now on; 0 for none."""
        if slot:
            # In this order: a reader of the new slot must not read an older time with it.
            self._times[_SINCE] = self._clock.monotonic()
        self._counts[_RUNNING] = slot

    def record_turn(self) -> None:
        """Show that the claim loop takes a turn now."""
        self._times[_TURNED] = self._clock.monotonic()

    def set_waiting(self, waits: bool) -> None:
        """Show whether the claim loop waits to be woken, or claims without a pause."""
        self._counts[_WAITING] = waits

    @property
    def reclaim_count(self) -> int:
        """How many reclaims were started or ended."""
        return self._counts[_RECLAIMS]

    @property
    def interrupt_at(self) -> float:
        """The monotonic time from which no job may run, unless the lease is renewed before."""
        return self._times[_INTERRUPT] or inf

    # For the supervisor.

    def extend_lease(self, interrupt_at: float) -> None:
        """Let jobs run until a later time; an earlier time changes nothing."""
        self._times[_INTERRUPT] = max(self._times[_INTERRUPT], interrupt_at)

    @property
    def has_running(self) -> bool:
        """Whether a started job has not ended, as far as is known."""
        if self._counts[_UNSHOWN] != self._counts[_UNSHOWN_ENDED]:
            return True
        jobs = zip(self._counts[_HEAD::_WORDS], self._times[_HEAD + 1 :: _WORDS], strict=True)
        return any(job_id and deadline != _ENDED for job_id, deadline in jobs)

    def begin_reclaim(self) -> None:
        """Forbid the worker to claim, and to start a job that it claimed before now."""
        self._counts[_RECLAIMS] = self.reclaim_count | 1

    def end_reclaim(self) -> None:
        """Let the worker claim again."""
        self._counts[_RECLAIMS] = (self.reclaim_count | 1) + 1

    @property
    def is_waiting(self) -> bool:
        """Whether the worker claims only when it is woken; False for a worker that has ended."""
        try:
            return bool(self._counts[_WAITING])
        except ValueError:  # closed meanwhile, by the thread that removes ended workers
            return False

    @property
    def is_idle(self) -> bool:
        """Whether the worker waits to be woken, and has no job; False for one that has ended."""
        try:
            are_settled = self._counts[_UNSHOWN] == self._counts[_UNSHOWN_SETTLED]
            return self.is_waiting and are_settled and not any(self._counts[_HEAD::_WORDS])
        except ValueError:
            return False

    def started(self) -> dict[int, float] | None:
        """Deadlines of the jobs that were started and are not settled; None if unknown."""
        if self._counts[_UNSHOWN] != self._counts[_UNSHOWN_SETTLED]:
            return None
        jobs = zip(self._counts[_HEAD::_WORDS], self._times[_HEAD + 1 :: _WORDS], strict=True)
        return {
            job_id: inf if deadline == _ENDED else deadline for job_id, deadline in jobs if job_id
        }

    def blocking_job_id(self, seconds: float) -> int | None:
        """The job that has had the main thread for so long without a pause; None if none has."""
        job = self.blocked_by(seconds)
        return None if job is None else job.job_id

    def blocked_by(self, seconds: float) -> RunningJob | None:
        """The job that has had the main thread for so long, with its start; None if none has."""
        slot, since = self._counts[_RUNNING], self._times[_SINCE]
        if not _HEAD <= slot < len(self._counts) or self._clock.monotonic() - since < seconds:
            return None
        job_id = self._counts[slot]
        # Two words: a processor may show them in another order, but then they change soon.
        is_unchanged = (slot, since) == (self._counts[_RUNNING], self._times[_SINCE])
        return RunningJob(job_id, since) if job_id and is_unchanged else None

    def stalled_seconds(self) -> float:
        """For how long the claim loop has taken no turn; 0 before its first."""
        turned_at = self._times[_TURNED]
        return self._clock.monotonic() - turned_at if turned_at else 0.0

    def seconds_past(self, deadline: float) -> float:
        """How long ago a deadline was; negative before it."""
        return self._clock.monotonic() - deadline

    def detach(self) -> None:
        """Write to memory of this process alone from now on: a fork shows nothing."""
        size = len(self._memory)
        self.close()
        self._map(-1, size)

    def _map(self, fd: int, size: int) -> None:
        self._memory = mmap.mmap(fd, size)
        with memoryview(self._memory) as whole:
            self._counts = whole.cast("q")
            self._times = whole.cast("d")

    def close(self) -> None:
        """Release the memory."""
        self._counts.release()
        self._times.release()
        self._memory.close()


def _bytes(slots: int) -> int:
    return (_HEAD + slots * _WORDS) * _WORD_BYTES


def scoreboard_file() -> int:
    """A file for a scoreboard, without a name and still empty; the caller closes it."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("pgqueue")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
