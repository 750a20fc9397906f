"""Sleeps as libfaketime can take them, in every Python process that has this folder on its path.

Python sleeps until a moment of the monotonic clock. libfaketime 0.9.10 takes that moment for one of
the clock that it shifts, and the call fails (wolfcw/libfaketime#426).
"""

import select
import time


def _sleep(seconds: float) -> None:
    select.select([], [], [], seconds)


time.sleep = _sleep
