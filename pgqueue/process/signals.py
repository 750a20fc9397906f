"""Signals turned into bytes on a socket, so that a loop reads them beside everything else.

A handler that did more than this would run between any two lines of the supervisor.
"""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

STOP: Final = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})

# Those that should have ended this process. Where Python can raise nothing, as in a finalizer, it
# goes on all the same.
_unheard: list[int] = []


class Signals:
    """Catches the signals a supervisor cares for while it is entered; main thread only."""

    def __enter__(self) -> "Signals":
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)
        caught = (*_caught(), signal.SIGCHLD)
        # The socket first, and away last: between the two a signal would be heard by nobody.
        self._fd_before = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        self._before = {each: signal.signal(each, _noted) for each in caught}
        self._write.send(bytes(_unheard))
        _unheard.clear()
        return self

    def __exit__(self, *_: object) -> None:
        for each, handler in self._before.items():
            signal.signal(each, handler)
        signal.set_wakeup_fd(self._fd_before)
        self._read.close()
        self._write.close()

    def fileno(self) -> int:
        """For selectors."""
        return self._read.fileno()

    def stops(self) -> int:
        """How many signals to stop arrived since the last look."""
        try:
            arrived = self._read.recv(4096)
        except BlockingIOError:
            return 0
        return sum(1 for number in arrived if number in STOP)


@contextmanager
def ending() -> Iterator[None]:
    """Let a signal to stop end this process as done, while nobody catches it yet.

    A supervisor loads code and reaches its database before it listens to signals; told to stop
    meanwhile it has nothing to hand back.
    """
    before = {each: signal.signal(each, _ended) for each in _caught()}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        _unheard.clear()


def _caught() -> list[signal.Signals]:
    # What is ignored stays ignored: nohup starts us with SIGHUP so.
    return [each for each in STOP if signal.getsignal(each) is not signal.SIG_IGN]


def _ended(signum: int, frame: FrameType | None) -> None:
    _unheard.append(signum)
    raise SystemExit(0)


def _noted(signum: int, frame: FrameType | None) -> None:
    # Python calls a handler only if there is one; the wake-up socket tells the loop.
    pass
