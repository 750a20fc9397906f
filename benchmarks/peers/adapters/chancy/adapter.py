"""chancy: jobs on the worker's own event loop."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import chancy

from benchmarks.peers import job

CONCURRENCY = 500
SETTLE_SECONDS = 0.1


async def noop(n: int) -> None:
    """Do nothing."""
    job.noop(n)


async def ping(n: int) -> None:
    """Record the start."""
    job.ping(n)


FUNCTIONS = {"noop": noop, "ping": ping}


def app() -> chancy.Chancy:
    """The application, quiet: by default it logs a line for each job."""
    log = logging.getLogger("quiet")
    log.setLevel(logging.WARNING)
    return chancy.Chancy(os.environ["PEER_URL"], log=log)


def setup() -> None:
    """Migrate, and declare the queue."""

    async def declare() -> None:
        async with app() as on:
            await on.migrate()
            await on.declare(
                chancy.Queue(
                    "default",
                    concurrency=CONCURRENCY,
                    executor=chancy.Chancy.Executor.Async,
                    polling_interval=1,
                    eager_polling=True,
                )
            )

    asyncio.run(declare())


@asynccontextmanager
async def client() -> AsyncIterator["Client"]:
    """Open the pool."""
    async with app() as on:
        yield Client(on)


class Client:
    """Enqueues jobs by the asynchronous calls."""

    def __init__(self, on: chancy.Chancy) -> None:
        self._on = on

    async def enqueue(self, task: str, n: int) -> None:
        """Insert one."""
        await self._on.push(_job(task, n))

    async def enqueue_many(self, task: str, numbers: Sequence[int]) -> None:
        """Insert all in batches of its default size, 1,000."""
        async for _ in self._on.push_many([_job(task, n) for n in numbers]):
            pass


def work() -> None:
    """Run jobs."""

    async def run() -> None:
        async with app() as on:
            worker = chancy.Worker(on)
            worker.send_outgoing_interval = SETTLE_SECONDS
            async with worker:
                await worker.wait_for_shutdown()

    asyncio.run(run())


def _job(task: str, n: int) -> chancy.Job:
    return chancy.Job.from_func(FUNCTIONS[task]).with_kwargs(n=n)
