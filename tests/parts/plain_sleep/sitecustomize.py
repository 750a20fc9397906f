"""A `time.sleep` that works under libfaketime, for processes with this folder on their path.

Python sleeps until a moment of the monotonic clock. libfaketime 0.9.10 mistakes it for a moment of
the shifted clock, and the call fails (wolfcw/libfaketime#426).
"""

import select
import time


def _sleep(seconds: float) -> None:
    select.select([], [], [], seconds)


time.sleep = _sleep
