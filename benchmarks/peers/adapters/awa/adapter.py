"""awa: a worker in Rust that calls Python for each job."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import awa

from benchmarks.peers import job

WORKERS = 1024
POLL_MILLISECONDS = 50


@dataclass
class Noop:
    """Arguments of noop."""

    n: int


@dataclass
class Ping:
    """Arguments of ping."""

    n: int


ARGUMENTS = {"noop": Noop, "ping": Ping}


async def noop(one: Any) -> None:
    """Do nothing."""
    job.noop(one.args.n)


async def ping(one: Any) -> None:
    """Record the start."""
    job.ping(one.args.n)


def setup() -> None:
    """Migrate."""

    async def migrate() -> None:
        async with awa.AsyncClient(os.environ["PEER_URL"]) as on:
            await on.migrate()
            # Before the first worker no storage is active, and COPY is refused.
            await on.install_queue_storage()

    asyncio.run(migrate())


@asynccontextmanager
async def client() -> AsyncIterator["Client"]:
    """Connect."""
    async with awa.AsyncClient(os.environ["PEER_URL"]) as on:
        yield Client(on)


class Client:
    """Enqueues jobs by the asynchronous calls."""

    def __init__(self, on: awa.AsyncClient) -> None:
        self._on = on

    async def enqueue(self, task: str, n: int) -> None:
        """Insert one."""
        await self._on.insert(ARGUMENTS[task](n))

    async def enqueue_many(self, task: str, numbers: Sequence[int]) -> None:
        """Insert all by COPY."""
        await self._on.enqueue_many_copy([ARGUMENTS[task](n) for n in numbers])


def work() -> None:
    """Run jobs until a signal."""

    async def run() -> None:
        stopped = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
        async with awa.AsyncClient(os.environ["PEER_URL"], max_connections=20) as on:
            on.task(Noop)(noop)
            on.task(Ping)(ping)
            await on.start([("default", WORKERS)], poll_interval_ms=POLL_MILLISECONDS)
            await stopped.wait()
            await on.shutdown()

    asyncio.run(run())
