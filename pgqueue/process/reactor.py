"""The event loop of a supervisor's main thread: files, timers, and actions of other threads."""

import queue
import selectors
import socket
import time
from collections.abc import Callable
from typing import Protocol

from pgqueue.core.backoff import backoff_seconds
from pgqueue.core.clock import MONOTONIC, Clock, Timer
from pgqueue.core.events.event import emit
from pgqueue.core.events.services import LoopFailed

# After an error, so that the action of a file that stays readable does not use a whole core.
_PAUSE_SECONDS_MAX = 1.0

Action = Callable[[], object]


class HasFileno(Protocol):
    """A socket, or an object that wraps one."""

    def fileno(self) -> int:
        """The file descriptor."""


class Reactor:
    """Waits until a file can be read, a timer is due or another thread has an action; runs it.

    `call_soon_threadsafe` may be called on any thread. Everything else may be called only on the
    thread that calls `run_once`, which runs all actions. No action may wait. An action that raises
    is reported, and the others go on.
    """

    def __init__(self, clock: Clock = MONOTONIC) -> None:
        self._clock = clock
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[Timer, Action]] = []
        self._failures = 0
        self._actions = queue.SimpleQueue[Action]()  # any thread puts, the running thread gets
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        self.register(self._wake_read, self._drain_wake)

    def register(self, file: HasFileno, on_readable: Action) -> None:
        """Call *on_readable* whenever a file can be read."""
        self._selector.register(file, selectors.EVENT_READ, on_readable)

    def unregister(self, file: HasFileno) -> None:
        """Wait for a file no longer; nothing happens if it was not registered."""
        try:
            self._selector.unregister(file)
        except KeyError:
            pass

    def call_soon_threadsafe(self, action: Action) -> None:
        """Let the running thread call *action* soon; may be called on any thread."""
        self._actions.put(action)
        try:
            self._wake_write.send(b"\0")
        except (BlockingIOError, OSError):
            pass  # full: the thread is about to wake up anyway; closed: it needs no action any more

    def call_later(self, seconds: float, action: Action) -> None:
        """Call *action* once, after so many seconds."""
        self._timers.append((Timer(self._clock, seconds=seconds), action))

    def run_once(self) -> None:
        """Wait until something is due, and run everything that is."""
        for key, _ in self._selector.select(self._wait_seconds()):
            self.call(key.data)
        while not self._actions.empty():
            self.call(self._actions.get())
        timers, self._timers = self._timers, []
        due = []
        for timer, action in timers:
            if timer.is_due:
                due.append(action)
            else:
                self._timers.append((timer, action))
        for action in due:
            self.call(action)

    def call(self, action: Action) -> None:
        """Run an action now; an error of it is reported."""
        # An error that ended the supervisor would end all running jobs of its workers.
        try:
            action()
        except Exception as error:
            self._failures += 1
            pause = min(_PAUSE_SECONDS_MAX, backoff_seconds(self._failures))
            emit(
                LoopFailed(
                    loop="supervisor",
                    failures=self._failures,
                    pause_seconds=round(pause, 2),
                    error=error,
                )
            )
            time.sleep(pause)
        else:
            self._failures = 0

    def close(self) -> None:
        """Close what it has opened; the registered files stay open."""
        self._selector.close()
        self._wake_read.close()
        self._wake_write.close()

    def _wait_seconds(self) -> float | None:
        return min((timer.seconds_left for timer, _ in self._timers), default=None)

    def _drain_wake(self) -> None:
        self._wake_read.recv(4096)
