"""What the measured jobs do."""

import time

from pgqueue import task


@task
def noop(n: int) -> None:
    """Nothing."""


@task
def nap(n: int, seconds: float) -> None:
    """Wait, as for an answer of somebody else."""
    time.sleep(seconds)


@task
def stamp(n: int) -> int:
    """When this began, by the machine's clock, in nanoseconds."""
    return time.time_ns()
