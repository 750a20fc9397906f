"""Tasks that run in greenlets; they sleep, as their work is to wait."""

import os
import random
import subprocess
import time
from zlib import crc32

import psycopg

from chaos.tasks import offspring
from chaos.tasks.effect import effect, url
from pgqueue import CancelJob, Retry, SnoozeJob, current_job, task

_AGAIN = Retry(max_attempts=5, base=0.1, max_delay=1.0)


@task(timeout=20, retry=_AGAIN)
def plain(key: str) -> str:
    with effect(key):
        return key


@task(timeout=20, keep=0)
def fleeting(key: str) -> None:
    with effect(key):
        pass


@task(timeout=20, retry=_AGAIN)
def flaky(key: str) -> None:
    with effect(key) as job:
        if crc32(f"{key} {job.attempt}".encode()) % 5 == 0:
            raise ValueError("one in five")


@task(timeout=20)
def slow(key: str) -> None:
    with effect(key) as job:
        for step in range(10):
            time.sleep(random.uniform(0.05, 0.4))
            job.progress(step / 10, f"step {step}")


@task(timeout=20)
def chatty(key: str) -> None:
    with effect(key) as job:
        for number in range(60):
            job.log.info("line %s", number)
        time.sleep(0.3)
        job.log.info("the last line")


@task(timeout=20, delivery="at_most_once")
def cautious(key: str) -> None:
    with effect(key):
        time.sleep(random.uniform(0.0, 1.0))


@task(timeout=20, retry=_AGAIN)
def paying(key: str) -> None:
    with effect(key) as job, psycopg.connect(url(), connect_timeout=5) as connection:
        connection.execute(
            "insert into chaos.payments (key, job_id, attempt) values (%s, %s, %s)",
            (key, job.id, job.attempt),
        )
        time.sleep(random.uniform(0.0, 0.5))
        job.complete(connection=connection, result=key)
        time.sleep(random.uniform(0.0, 0.2))


@task(timeout=20)
def snoozing(key: str) -> None:
    with effect(key) as job:
        if job.attempt <= 2:
            raise SnoozeJob(delay=0.3)


@task(timeout=20)
def punctual(key: str) -> None:
    with effect(key):
        pass


@task(timeout=20)
def quitting(key: str) -> None:
    with effect(key):
        raise CancelJob("no longer needed")


@task(timeout=1, retry=Retry(max_attempts=2, base=0.1))
def sleepy(key: str) -> None:
    with effect(key):
        time.sleep(60)


@task(timeout=20, retry=_AGAIN)
def by_name(key: str) -> int:
    """Run a job that was enqueued by its path alone."""
    with effect(key):
        return current_job().attempt


@task(timeout=20, retry=_AGAIN)
def forking(key: str) -> int:
    """The process id of the worker; a fork that returns here would return another one."""
    with effect(key) as job:
        pid = offspring.fork(key, job)
        if pid and offspring.is_awaited(key):
            os.waitpid(pid, 0)
        else:
            time.sleep(random.uniform(0.0, 1.0))  # the task's own work
        return os.getpid()


@task(timeout=20, retry=_AGAIN)
def multiplying(key: str) -> int:
    with effect(key) as job:
        process = offspring.process(key, job)
        process.start()
        if offspring.is_awaited(key):
            process.join()
        else:
            time.sleep(random.uniform(0.0, 1.0))  # the task's own work
        return os.getpid()


@task(timeout=20, retry=_AGAIN)
def starting(key: str) -> int:
    with effect(key) as job:
        program = subprocess.Popen(offspring.command(key, job))
        if offspring.is_awaited(key):
            program.wait()
        else:
            time.sleep(random.uniform(0.0, 1.0))  # the task's own work
        return os.getpid()
