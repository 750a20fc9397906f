"""saq on PostgreSQL."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from saq import Queue, Worker

from benchmarks.peers import job

CONCURRENCY = 100


async def noop(_: Any, *, n: int) -> None:
    """Do nothing."""
    job.noop(n)


async def ping(_: Any, *, n: int) -> None:
    """Record the start."""
    job.ping(n)


def queue() -> Queue:
    """The queue."""
    return Queue.from_url(os.environ["PEER_URL"])


def setup() -> None:
    """Make the tables, as each connecting process does."""

    async def connect() -> None:
        on = queue()
        await on.connect()
        await on.disconnect()

    asyncio.run(connect())


@asynccontextmanager
async def client() -> AsyncIterator["Client"]:
    """Open the pool."""
    on = queue()
    await on.connect()
    yield Client(on)
    await on.disconnect()


class Client:
    """Enqueues jobs by the asynchronous calls."""

    def __init__(self, on: Queue) -> None:
        self._on = on

    async def enqueue(self, task: str, n: int) -> None:
        """Insert one."""
        await self._on.enqueue(task, n=n)

    async def enqueue_many(self, task: str, numbers: Sequence[int]) -> None:
        """Insert one by one: it has no bulk call."""
        for n in numbers:
            await self.enqueue(task, n)


def work() -> None:
    """Run jobs."""

    async def run() -> None:
        on = queue()
        await on.connect()
        await Worker(on, [("noop", noop), ("ping", ping)], concurrency=CONCURRENCY).start()

    asyncio.run(run())
