"""Tasks that run on an event loop."""

import asyncio
import os
import random

import psycopg

from chaos.tasks import offspring
from chaos.tasks.effect import effect, url
from pgqueue import Retry, task

QUEUE = "io"

_AGAIN = Retry(max_attempts=5, base=0.1, max_delay=1.0)


@task(queue=QUEUE, timeout=20, retry=_AGAIN)
async def quick(key: str) -> str:
    with effect(key):
        return key


@task(queue=QUEUE, timeout=20, retry=_AGAIN)
async def waiting(key: str) -> None:
    with effect(key) as job:
        await asyncio.sleep(random.uniform(0.1, 3.0))
        job.progress(0.9, "nearly")


@task(queue=QUEUE, timeout=20, delivery="at_most_once")
async def wary(key: str) -> None:
    with effect(key):
        await asyncio.sleep(random.uniform(0.0, 1.0))


@task(queue=QUEUE, timeout=1, retry=Retry(max_attempts=2, base=0.1))
async def dozing(key: str) -> None:
    with effect(key):
        await asyncio.sleep(60)


@task(queue=QUEUE, timeout=20, retry=_AGAIN)
async def apaying(key: str) -> None:
    with effect(key) as job:
        connecting = psycopg.AsyncConnection.connect(url(), connect_timeout=5)
        async with await connecting as connection:
            await connection.execute(
                "insert into chaos.payments (key, job_id, attempt) values (%s, %s, %s)",
                (key, job.id, job.attempt),
            )
            await asyncio.sleep(random.uniform(0.0, 0.5))
            await job.acomplete(connection=connection, result=key)
            await asyncio.sleep(random.uniform(0.0, 0.2))


@task(queue=QUEUE, timeout=20, retry=_AGAIN)
async def aforking(key: str) -> int:
    with effect(key) as job:
        pid = offspring.fork(key, job)
        if pid and offspring.is_awaited(key):
            await asyncio.to_thread(os.waitpid, pid, 0)
        else:
            await asyncio.sleep(random.uniform(0.0, 1.0))  # a fork ends here
        return os.getpid()


@task(queue=QUEUE, timeout=20, retry=_AGAIN)
async def amultiplying(key: str) -> int:
    with effect(key) as job:
        process = offspring.process(key, job)
        process.start()
        if offspring.is_awaited(key):
            await asyncio.to_thread(process.join)
        else:
            await asyncio.sleep(random.uniform(0.0, 1.0))
        return os.getpid()


@task(queue=QUEUE, timeout=20, retry=_AGAIN)
async def astarting(key: str) -> int:
    with effect(key) as job:
        program = await asyncio.create_subprocess_exec(*offspring.command(key, job))
        if offspring.is_awaited(key):
            await program.wait()
        else:
            await asyncio.sleep(random.uniform(0.0, 1.0))
        return os.getpid()
