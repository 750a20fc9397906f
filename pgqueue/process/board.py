"""What a worker shows its supervisor, in memory that both have.

It can be read whatever state the worker is in: stuck in C, stopped, or dead. It tells which job has
the main thread, which jobs were started, with their deadlines, when the claim loop turned last, and
whether it would claim at a hint. Nothing is decided from it that the rows could decide: it says who
among the jobs of one worker is guilty, and whether the worker still looks for any.
"""

import mmap
import os
import struct
import tempfile
import time
from math import inf
from typing import NamedTuple

# Place (counted from 1) of the job that has the main thread, 0 for none; since when, by the
# monotonic clock; whether places ran out; when the claim loop took its last turn; how many recalls
# have begun or ended; whether the claim loop waits for a hint.
_HEAD = struct.Struct("<qdqdqq")
_SHOWN = struct.Struct("<qd")
_FULL = struct.Struct("<q")
_TURNED = struct.Struct("<d")
_RECALLS = struct.Struct("<q")
_WAITING = struct.Struct("<q")
_FULL_AT = _SHOWN.size
_TURNED_AT = _FULL_AT + _FULL.size
_RECALLS_AT = _TURNED_AT + _TURNED.size
_WAITING_AT = _RECALLS_AT + _RECALLS.size

# Job id, 0 for a free place; monotonic deadline, which is one clock for all processes of a host.
_PLACE = struct.Struct("<qd")


class Block(NamedTuple):
    """A job that has the main thread, and the monotonic time since when."""

    job_id: int
    since: float


class Board:
    """A table of places in shared memory; the worker writes it, its supervisor reads it.

    One word goes the other way, the count of recalls: a worker that does not turn hears nothing
    else. It is odd while a recall is under way.

    Args:
        places: How many started jobs it can tell of.
        fd: A file for it, which another process has open too; none for this process alone.
    """

    def __init__(self, places: int, fd: int = -1) -> None:
        self._memory = mmap.mmap(fd, _HEAD.size + places * _PLACE.size)
        self._free = list(range(places, 0, -1))
        self._places = places

    # For the worker.

    def start(self, job_id: int, deadline: float | None) -> int:
        """Tell of a job that is about to start; its place, 0 if none is left."""
        if not self._free:
            _FULL.pack_into(self._memory, _FULL_AT, 1)
            self.show(0)
            return 0
        place = self._free.pop()
        self._write(place, job_id, inf if deadline is None else deadline)
        return place

    def end(self, place: int, job_id: int) -> None:
        """Its task has ended, and it waits to be settled: it has no deadline any more."""
        if place:
            self._write(place, job_id, inf)

    def forget(self, place: int) -> None:
        """It is settled."""
        if place:
            self._write(place, 0, inf)
            self._free.append(place)

    def show(self, place: int) -> None:
        """The job of this place has the main thread now; 0 for none."""
        _SHOWN.pack_into(self._memory, 0, place, time.monotonic())

    def turn(self) -> None:
        """The claim loop takes another turn, whatever comes of it."""
        _TURNED.pack_into(self._memory, _TURNED_AT, time.monotonic())

    def wait_for_hint(self, waits: bool) -> None:
        """Whether the claim loop found nothing more, or goes on by itself."""
        _WAITING.pack_into(self._memory, _WAITING_AT, waits)

    @property
    def recalls(self) -> int:
        """How many recalls have begun or ended."""
        (recalls,) = _RECALLS.unpack_from(self._memory, _RECALLS_AT)
        return int(recalls)

    # For the supervisor.

    def begin_recall(self) -> None:
        """From now on nothing that was claimed before is started, and nothing is claimed."""
        _RECALLS.pack_into(self._memory, _RECALLS_AT, self.recalls | 1)

    def end_recall(self) -> None:
        """Claims are welcome again."""
        _RECALLS.pack_into(self._memory, _RECALLS_AT, (self.recalls | 1) + 1)

    @property
    def waits_for_hint(self) -> bool:
        """Whether the worker would claim at a hint, and not before; one that is gone would not."""
        try:
            (waits,) = _WAITING.unpack_from(self._memory, _WAITING_AT)
        except ValueError:  # closed, by the thread that buries workers
            return False
        return bool(waits)

    def started(self) -> dict[int, float] | None:
        """Deadlines of the jobs that were started and are not settled; None if unknown."""
        if _FULL.unpack_from(self._memory, _FULL_AT)[0]:
            return None
        table = _PLACE.iter_unpack(self._memory[_HEAD.size :])
        return {job_id: deadline for job_id, deadline in table if job_id}

    def blocking(self, seconds: float) -> int | None:
        """The job that has had the main thread for so long without a pause; None if none has."""
        block = self.block(seconds)
        return None if block is None else block.job_id

    def block(self, seconds: float) -> Block | None:
        """That job, and since when; None if none has had the thread for so long."""
        place, since = _SHOWN.unpack_from(self._memory)
        if not 1 <= place <= self._places or time.monotonic() - since < seconds:
            return None
        job_id: int = _PLACE.unpack_from(self._memory, self._offset(place))[0]
        return Block(job_id, since) if job_id else None

    def still_seconds(self) -> float:
        """For how long the claim loop has taken no turn; 0 before its first."""
        (turned_at,) = _TURNED.unpack_from(self._memory, _TURNED_AT)
        return time.monotonic() - turned_at if turned_at else 0.0

    def close(self) -> None:
        """Let go of the memory."""
        self._memory.close()

    def _write(self, place: int, job_id: int, deadline: float) -> None:
        _PLACE.pack_into(self._memory, self._offset(place), job_id, deadline)

    def _offset(self, place: int) -> int:
        return _HEAD.size + (place - 1) * _PLACE.size


def board_file(places: int) -> int:
    """A file for a board, without a name; the caller closes it."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("pgqueue")
    else:
        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    os.ftruncate(fd, _HEAD.size + places * _PLACE.size)
    return fd
