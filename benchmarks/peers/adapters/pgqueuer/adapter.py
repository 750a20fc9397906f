"""pgqueuer: asyncpg and uvloop, as its command line prefers."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pgqueuer
import uvloop

from benchmarks.peers import job

BATCH_SIZE = 500


async def noop(one: Any) -> None:
    """Do nothing."""
    job.noop(int(one.payload))


async def ping(one: Any) -> None:
    """Record the start."""
    job.ping(int(one.payload))


@asynccontextmanager
async def queries() -> AsyncIterator[Any]:
    """Connect."""
    connection = await asyncpg.connect(os.environ["PEER_URL"])
    try:
        yield pgqueuer.Queries(pgqueuer.AsyncpgDriver(connection))
    finally:
        await connection.close()


@asynccontextmanager
async def worker() -> AsyncIterator[Any]:
    """A worker on a pool, so that it settles while it fetches."""
    async with asyncpg.create_pool(os.environ["PEER_URL"], min_size=2, max_size=4) as pool:
        application = pgqueuer.PgQueuer.from_asyncpg_pool(pool)
        application.entrypoint("noop")(noop)
        application.entrypoint("ping")(ping)
        yield application


def setup() -> None:
    """Install durable tables."""

    async def install() -> None:
        async with queries() as pool_queries:
            await pool_queries.install()

    uvloop.run(install())


@asynccontextmanager
async def client() -> AsyncIterator["Client"]:
    """Connect."""
    async with queries() as pool_queries:
        yield Client(pool_queries)


class Client:
    """Enqueues jobs by the asynchronous calls."""

    def __init__(self, pool_queries: Any) -> None:
        self._on = pool_queries

    async def enqueue(self, task: str, n: int) -> None:
        """Insert one."""
        await self._on.enqueue(task, b"%d" % n)

    async def enqueue_many(self, task: str, numbers: Sequence[int]) -> None:
        """Insert all in one call."""
        count = len(numbers)
        await self._on.enqueue([task] * count, [b"%d" % n for n in numbers], [0] * count)


def work() -> None:
    """Run jobs."""
    uvloop.run(pgqueuer.run(worker, batch_size=BATCH_SIZE))
