"""Tasks that run in a process, one at a time."""

import os
import signal
import time

from chaos.tasks.effect import effect
from pgqueue import Retry, task

QUEUE = "cpu"


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
