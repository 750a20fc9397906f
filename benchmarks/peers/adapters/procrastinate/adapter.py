"""procrastinate: asyncio tasks, psycopg."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import procrastinate

from benchmarks.peers import job

CONCURRENCY = 30


async def noop(n: int) -> None:
    """Do nothing."""
    job.noop(n)


async def ping(n: int) -> None:
    """Record the start."""
    job.ping(n)


# Every running job may settle at the same moment, beside the fetcher and the listener.
connector = procrastinate.PsycopgConnector(
    conninfo=os.environ["PEER_URL"], min_size=1, max_size=CONCURRENCY + 5
)
app = procrastinate.App(connector=connector)
TASKS = {"noop": app.task(name="noop")(noop), "ping": app.task(name="ping")(ping)}


def setup() -> None:
    """Apply the schema."""
    sync = app.with_connector(procrastinate.SyncPsycopgConnector(conninfo=os.environ["PEER_URL"]))
    with sync.open():
        sync.schema_manager.apply_schema()


@asynccontextmanager
async def client() -> AsyncIterator["Client"]:
    """Open the pool."""
    async with app.open_async():
        yield Client()


class Client:
    """Enqueues jobs by the asynchronous calls."""

    async def enqueue(self, task: str, n: int) -> None:
        """Insert one."""
        await TASKS[task].defer_async(n=n)

    async def enqueue_many(self, task: str, numbers: Sequence[int]) -> None:
        """Insert all in one call."""
        await TASKS[task].batch_defer_async(*({"n": n} for n in numbers))


def work() -> None:
    """Run jobs."""
    app.run_worker(concurrency=CONCURRENCY)
