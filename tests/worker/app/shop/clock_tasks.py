"""Tasks that show what their process's clock says."""

import logging
import time

from pgqueue import task

log = logging.getLogger("shop.clock")


@task
def tell_time() -> float:
    return time.time()


@task
def log_for(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        log.info("still here")
        time.sleep(0.2)


@task
def nap(seconds: float) -> None:
    time.sleep(seconds)


@task
def fail() -> None:
    raise ValueError
