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
    application = absurd_sdk.AsyncAbsurd(os.environ["PEER_URL"], queue_name="default")
    application.register_task("noop")(noop)
    application.register_task("ping")(ping)
    return application


def setup() -> None:
    """Apply the schema that its command line carries, and make the queue."""
    with psycopg.connect(os.environ["PEER_URL"], autocommit=True) as connection:
        connection.execute(absurdctl.BUNDLED_SCHEMA_SQL)

    async def declare() -> None:
        application = app()
        await application.create_queue()
        await application.close()

    asyncio.run(declare())


@asynccontextmanager
async def client() -> AsyncIterator["Client"]:
    """Connect at the first call."""
    application = app()
    yield Client(application)
    await application.close()


class Client:
    """Enqueues jobs by the asynchronous calls."""

    def __init__(self, application: Any) -> None:
        self._app = application

    async def enqueue(self, task: str, n: int) -> None:
        """Insert one."""
        await self._app.spawn(task, {"n": n})

    async def enqueue_many(self, task: str, numbers: Sequence[int]) -> None:
        """Insert one by one: it has no bulk call."""
        for n in numbers:
            await self.enqueue(task, n)


def work() -> None:
    """Run jobs."""
    asyncio.run(app().start_worker(concurrency=CONCURRENCY, poll_interval=POLL_SECONDS))
