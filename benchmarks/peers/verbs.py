"""`python -m benchmarks.peers.verbs VERB [COUNT]`: one verb of the adapter in the current folder.

Runs in the environment of a peer. The last line it prints is its answer, as JSON.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import Protocol, cast

# Long enough for the worker to be idle again, and not in step with its polls.
PAUSE_SECONDS = (0.05, 0.15)


class Client(Protocol):
    """Enqueues jobs; each call commits before it returns."""

    async def enqueue(self, task: str, n: int) -> None:
        """Insert one job of the task `noop` or `ping`."""

    async def enqueue_many(self, task: str, numbers: Sequence[int]) -> None:
        """Insert one job for each number, by the peer's fastest call."""


class Adapter(Protocol):
    """A module `adapter.py`."""

    def setup(self) -> None:
        """Make the peer's tables and queues in an empty database."""

    def client(self) -> AbstractAsyncContextManager[Client]:
        """Connect, for one process that enqueues."""

    def work(self) -> None:
        """Run jobs until a signal, in this process."""


async def single(adapter: Adapter, count: int) -> object:
    """The seconds of *count* single enqueues."""
    async with adapter.client() as client:
        # The first call opens the connection, which must not be measured.
        await client.enqueue("noop", 0)
        began = time.perf_counter()
        for n in range(1, count):
            await client.enqueue("noop", n)
        return {"seconds": time.perf_counter() - began, "count": count - 1}


async def bulk(adapter: Adapter, count: int) -> object:
    """The seconds of one bulk call."""
    async with adapter.client() as client:
        await client.enqueue("noop", 0)
        began = time.perf_counter()
        await client.enqueue_many("noop", range(1, count))
        return {"seconds": time.perf_counter() - began, "count": count - 1}


async def ping(adapter: Adapter, count: int) -> object:
    """The moments when each single call began, and when it returned."""
    called_at, returned_at = [], []
    pauses = random.Random(count)
    async with adapter.client() as client:
        await client.enqueue("noop", 0)
        for n in range(1, count):
            await asyncio.sleep(pauses.uniform(*PAUSE_SECONDS))
            called_at.append(time.time())
            await client.enqueue("ping", n)
            returned_at.append(time.time())
    return {"called_at": called_at, "returned_at": returned_at, "count": count - 1}


def main() -> None:
    """Run the verb of the arguments."""
    sys.path.insert(0, "")
    adapter = cast(Adapter, import_module("adapter"))
    verb, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0
    if verb == "work":
        adapter.work()
    elif verb == "setup":
        adapter.setup()
    else:
        enqueue = {"single": single, "bulk": bulk, "ping": ping}[verb]
        print(json.dumps(asyncio.run(enqueue(adapter, count))))


if __name__ == "__main__":
    main()
