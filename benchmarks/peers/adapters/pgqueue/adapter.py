"""pgqueue, as its own users use it."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pgqueue
from benchmarks.peers import job

TASKS = {
    "noop": pgqueue.task(name="noop")(job.noop),
    "ping": pgqueue.task(name="ping")(job.ping),
}


def setup() -> None:
    """Do nothing: every database of the benchmark server is migrated."""


@asynccontextmanager
async def client() -> AsyncIterator["Client"]:
    """Connect by the default client."""
    pgqueue.configure(url=os.environ["PEER_URL"])
    yield Client()


class Client:
    """Enqueues jobs by the synchronous calls, as most programs do."""

    async def enqueue(self, task: str, n: int) -> None:
        """Insert one."""
        TASKS[task].enqueue(n)

    async def enqueue_many(self, task: str, numbers: Sequence[int]) -> None:
        """Insert all by COPY."""
        TASKS[task].enqueue_many({"n": n} for n in numbers)
