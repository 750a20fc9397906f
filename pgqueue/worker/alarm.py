"""One timer of the process that sends a signal, apart from the timers that tasks may use.

Decorators for timeouts use the interval timer and SIGALRM, of which a process has one each. A task
that used them would remove the deadlines of all other jobs. Linux gives a process further timers,
and signals that no library takes by custom.
"""

import ctypes
import signal
from typing import Final

_SIGNALS_FROM_LAST = 5

SIGNAL: Final[int] = (
    signal.SIGRTMAX - _SIGNALS_FROM_LAST if hasattr(signal, "SIGRTMAX") else signal.SIGALRM
)
"""The signal of the timer; a task must leave it alone."""

_CLOCK_MONOTONIC = 1
_SIGEV_SIGNAL = 0


class _Event(ctypes.Structure):
    # The kernel's `struct sigevent` has 64 bytes.
    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signal", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("rest", ctypes.c_char * 48),
    )


class _Times(ctypes.Structure):
    # `struct itimerspec`: two of `struct timespec`.
    _fields_ = (
        ("interval_seconds", ctypes.c_long),
        ("interval_nanoseconds", ctypes.c_long),
        ("seconds", ctypes.c_long),
        ("nanoseconds", ctypes.c_long),
    )


class Alarm:
    """Sends `SIGNAL` to this process once, after a time; a fork does not inherit it."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None, use_errno=True)
        self._timer = ctypes.c_void_p()
        event = _Event(signal=SIGNAL, notify=_SIGEV_SIGNAL)
        create = getattr(self._library, "timer_create", None)
        self._is_own = (
            create is not None
            and SIGNAL != signal.SIGALRM
            and not create(_CLOCK_MONOTONIC, ctypes.byref(event), ctypes.byref(self._timer))
        )

    @property
    def signal(self) -> int:
        """The signal that it sends."""
        return SIGNAL if self._is_own else signal.SIGALRM

    def set(self, seconds: float) -> None:
        """Send the signal after so many seconds, in the place of the time that was set before."""
        if not self._is_own:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            return
        whole = int(seconds)
        times = _Times(seconds=whole, nanoseconds=int((seconds - whole) * 1e9))
        self._library.timer_settime(self._timer, 0, ctypes.byref(times), None)
