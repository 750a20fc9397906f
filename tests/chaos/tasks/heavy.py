"""Tasks that run in a process, one at a time."""

import os
import signal
import time

from chaos.tasks import light
from chaos.tasks.effect import effect
from pgqueue import Retry, task

QUEUE = "cpu"

_AGAIN = Retry(max_attempts=5, base=0.1, max_delay=1.0)


@task(queue=QUEUE, executor="process", timeout=20, retry=Retry(max_attempts=3, base=0.1))
def counting(key: str) -> int:
    with effect(key) as job:
        until = time.monotonic() + 0.2
        count = 0
        while time.monotonic() < until:
            count += 1
        job.progress(1.0, "counted")
        return count


@task(queue=QUEUE, executor="process", timeout=1, retry=Retry(max_attempts=2, base=0.1))
def stubborn(key: str) -> None:
    """Ignore every exception: only the end of the process ends this task."""
    with effect(key):
        while True:
            try:
                time.sleep(60)
            except BaseException:
                continue


@task(queue=QUEUE, executor="process", timeout=20)
def deadly(key: str) -> None:
    with effect(key):
        os.kill(os.getpid(), signal.SIGKILL)


@task(queue=QUEUE, executor="process", timeout=20, retry=_AGAIN)
def forking_alone(key: str) -> int:
    return light.forking.function(key)


@task(queue=QUEUE, executor="process", timeout=20, retry=_AGAIN)
def multiplying_alone(key: str) -> int:
    return light.multiplying.function(key)


@task(queue=QUEUE, executor="process", timeout=20, retry=_AGAIN)
def starting_alone(key: str) -> int:
    return light.starting.function(key)
