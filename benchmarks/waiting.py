"""Waiting until a condition holds, with a limit."""

import time
from collections.abc import Callable


def wait_until(
    condition: Callable[[], bool],
    description: str,
    *,
    seconds_max: float = 300.0,
    pause: float = 0.1,
) -> None:
    """Poll until a condition holds.

    Raises:
        TimeoutError: The condition did not hold in time.
    """
    end = time.monotonic() + seconds_max
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"Not within {seconds_max:g} s: {description}.")
        time.sleep(pause)
