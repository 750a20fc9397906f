"""Patience: waiting for something that must come true, and no longer than that makes sense."""

import time
from collections.abc import Callable


def until(
    is_so: Callable[[], bool], what: str, *, seconds_max: float = 300.0, pause: float = 0.1
) -> None:
    """Ask again and again.

    Raises:
        TimeoutError: It was not so in time.
    """
    end = time.monotonic() + seconds_max
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError(f"After {seconds_max:g} s it still was not so: {what}.")
        time.sleep(pause)
