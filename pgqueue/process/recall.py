"""Finds the workers whose main thread a job keeps to itself, and what waits in hand behind it.

The jobs that such a worker has claimed and not started would wait for as long as that job likes.
They may run elsewhere as soon as it is certain that this worker starts none of them any more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from pgqueue.process.board import Board

# A task that goes on for so long without a pause belongs into a process of its own.
_BLOCKED_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Recall:
    """Jobs of a worker to take back: all that it has claimed, but for those that it started.

    Attributes:
        blocking_job_id: What they wait behind.
        done: To be called when they are settled: the worker claims nothing before.
    """

    worker_id: int
    started_job_ids: frozenset[int]
    blocking_job_id: int
    done: Callable[[], None]


class _State(Enum):
    CALM = auto()
    CALLED = auto()
    SETTLING = auto()


class Blockade:
    """One worker's main thread, looked at now and then.

    The worker starts nothing that it claimed before a recall began, and claims nothing until it
    has ended. It begins at one look and is believed at the next, when the same job had the thread
    all the while: what was started until then is on the board.

    Args:
        board: The worker's.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._since = 0.0
        self._state = _State.CALM

    def begins(self) -> int | None:
        """Begin a recall, once for each job that has had the thread for 5 s; that job's id."""
        block = self._board.block(_BLOCKED_SECONDS)
        if self._state is not _State.CALM or block is None or block.since == self._since:
            return None
        self._since = block.since
        self._state = _State.CALLED
        self._board.begin_recall()
        return block.job_id

    def started(self) -> frozenset[int] | None:
        """At a later look: what the worker had started when its recall began; None for nothing.

        A recall that was too late, because the job gave way, ends with this.
        """
        if self._state is not _State.CALLED:
            return None
        block = self._board.block(_BLOCKED_SECONDS)
        started = self._board.started()
        if block is None or block.since != self._since or started is None:
            self.ends()
            return None
        self._state = _State.SETTLING
        return frozenset(started)

    def ends(self) -> None:
        """Let the worker claim again."""
        self._state = _State.CALM
        self._board.end_recall()
