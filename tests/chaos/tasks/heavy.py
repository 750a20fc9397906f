"""Tasks that have a process to themselves."""

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
        turns = 0
        while time.monotonic() < until:
            turns += 1
        job.progress(1.0, "counted")
        return turns


@task(queue=QUEUE, executor="process", timeout=1, retry=Retry(max_attempts=2, base=0.1))
def stubborn(key: str) -> None:
    """Takes no hint: only the end of its process ends it."""
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
