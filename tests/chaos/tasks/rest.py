"""A task that only waits."""

import time

from pgqueue import task


@task
def rest(seconds: float) -> None:
    """Wait for *seconds*."""
    time.sleep(seconds)
