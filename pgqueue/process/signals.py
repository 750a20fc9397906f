"""Signals turned into bytes on a socket, so that a loop reads them beside everything else.

A handler that did more than this would run between any two lines of the supervisor.
"""

import signal
import socket
from types import FrameType
from typing import Final

STOP: Final = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


class Signals:
    """Catches the signals a supervisor cares for while it is entered; main thread only."""

    def __enter__(self) -> "Signals":
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)
        # What is ignored stays ignored: nohup starts us with SIGHUP so.
        caught = [each for each in STOP if signal.getsignal(each) is not signal.SIG_IGN]
        self._before = {each: signal.signal(each, _noted) for each in (*caught, signal.SIGCHLD)}
        self._fd_before = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._fd_before)
        for each, handler in self._before.items():
            signal.signal(each, handler)
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


def _noted(signum: int, frame: FrameType | None) -> None:
    # Python calls a handler only if there is one; the wake-up socket tells the loop.
    pass
