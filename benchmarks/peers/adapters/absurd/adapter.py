"""absurd: durable tasks without steps."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import absurd_sdk
import absurdctl
import psycopg

from benchmarks.peers import job

CONCURRENCY = 100
POLL_SECONDS = 0.05


async def noop(params: Any, _: Any) -> None:
    """Do nothing."""
    job.noop(params["n"])


async def ping(params: Any, _: Any) -> None:
    """Record the start."""
    job.ping(params["n"])


def app() -> Any:
    """The application."""
    made = absurd_sdk.AsyncAbsurd(os.environ["PEER_URL"], queue_name="default")
    made.register_task("noop")(noop)
    made.register_task("ping")(ping)
    return made


def setup() -> None:
    """Apply the schema that its command line carries, and make the queue."""
    with psycopg.connect(os.environ["PEER_URL"], autocommit=True) as connection:
        connection.execute(absurdctl.BUNDLED_SCHEMA_SQL)

    async def declare() -> None:
        on = app()
        await on.create_queue()
        await on.close()

    asyncio.run(declare())


@asynccontextmanager
async def client() -> AsyncIterator["Client"]:
    """Connect at the first call."""
    on = app()
    yield Client(on)
    await on.close()


class Client:
    """Enqueues jobs by the asynchronous calls."""

    def __init__(self, on: Any) -> None:
        self._on = on

    async def enqueue(self, task: str, n: int) -> None:
        """Insert one."""
        await self._on.spawn(task, {"n": n})

    async def enqueue_many(self, task: str, numbers: Sequence[int]) -> None:
        """Insert one by one: it has no bulk call."""
        for n in numbers:
            await self.enqueue(task, n)


def work() -> None:
    """Run jobs."""
    asyncio.run(app().start_worker(concurrency=CONCURRENCY, poll_interval=POLL_SECONDS))
