"""Tasks that use the interval timer, and tasks that have a timeout beside them."""

import asyncio
import signal
import time
from types import FrameType

from pgqueue import task


def _raise(number: int, frame: FrameType | None) -> None:
    raise TimeoutError("of the decorator")


@task
def uses_the_interval_timer() -> str:
    """As a decorator for timeouts does; it leaves its handler behind."""
    signal.signal(signal.SIGALRM, _raise)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        while True:
            pass
    except TimeoutError as error:
        return str(error)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@task(executor="process")
def uses_the_interval_timer_alone() -> str:
    return uses_the_interval_timer.function()


@task
async def uses_the_interval_timer_in_a_coroutine() -> str:
    return uses_the_interval_timer.function()


@task(timeout=1.5)
def sleeps() -> None:
    time.sleep(600)


@task(timeout=1.5, executor="process")
def sleeps_alone() -> None:
    time.sleep(600)


@task(timeout=1.5)
async def sleeps_in_a_coroutine() -> None:
    await asyncio.sleep(600)
