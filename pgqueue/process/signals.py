"""Signals as bytes on a socket, so that a selector waits for them and for everything else.

A handler that did more would run between any two lines of the supervisor.
"""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

STOP: Final = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})

# Stop signals that should have ended this process, and did not: where Python cannot raise, as in a
# finalizer, the process goes on.
_missed: list[int] = []


class Signals:
    """Catches the signals of a supervisor while it is entered; main thread only."""

    def __enter__(self) -> "Signals":
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)
        caught = (*_not_ignored(), signal.SIGCHLD)
        # The socket is set first and removed last: a signal between the two would be lost.
        self._fd_before = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, _do_nothing) for number in caught}
        self._write.send(bytes(_missed))
        _missed.clear()
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            # The process only ends now. An exception would change its exit code, and could keep
            # its last jobs from their queue.
            signal.signal(number, _do_nothing if handler is _exit else handler)
        signal.set_wakeup_fd(self._fd_before)
        self._read.close()
        self._write.close()

    def fileno(self) -> int:
        """The file descriptor, for selectors."""
        return self._read.fileno()

    def read_stop_count(self) -> int:
        """How many stop signals arrived since the last call."""
        try:
            arrived = self._read.recv(4096)
        except BlockingIOError:
            return 0
        return sum(1 for number in arrived if number in STOP)


@contextmanager
def exit_on_stop(*, ends_process: bool = False) -> Iterator[None]:
    """Let a stop signal end this process with exit code 0, while nothing catches it yet.

    A supervisor loads code and connects to its database before it catches signals. It has nothing
    to return to the queue by then.

    Args:
        ends_process: Whether the process ends after the block. Then stop signals are ignored.
    """
    before = {number: signal.signal(number, _exit) for number in _not_ignored()}
    try:
        yield
    finally:
        if ends_process:
            _ignore_stop()
        for number, handler in before.items():
            # Inside another such block, the outer one decides.
            if not ends_process and handler is not _exit:
                signal.signal(number, handler)
        _missed.clear()


def _ignore_stop() -> None:
    # Python restores the defaults while it ends, and a second signal would then end the process
    # with another exit code. An ignored signal stays ignored.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP)  # all at once
    for number in STOP:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _not_ignored() -> list[signal.Signals]:
    # An ignored signal stays ignored: nohup starts this process with SIGHUP ignored.
    return [number for number in STOP if signal.getsignal(number) is not signal.SIG_IGN]


def _exit(signum: int, frame: FrameType | None) -> None:
    _missed.append(signum)
    raise SystemExit(0)


def _do_nothing(signum: int, frame: FrameType | None) -> None:
    # Python writes to the wake-up socket only for a signal that has a handler.
    pass
