"""The tasks of the measured jobs."""

import time

from pgqueue import task


@task
def noop(n: int) -> None:
    """Do nothing."""


@task
def nap(n: int, seconds: float) -> None:
    """Wait, as a call over the network does."""
    time.sleep(seconds)


@task
def stamp(n: int) -> int:
    """The moment of the start, by the machine's clock, in nanoseconds."""
    return time.time_ns()
