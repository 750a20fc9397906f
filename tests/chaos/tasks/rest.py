"""A task that only lasts."""

import time

from pgqueue import task


@task
def rest(seconds: float) -> None:
    """Wait so long."""
    time.sleep(seconds)
