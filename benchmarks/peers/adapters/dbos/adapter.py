"""DBOS: workflows without steps on one queue."""

import os
import signal
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import dbos

from benchmarks.peers import job

WORKER_CONCURRENCY = 500
POLL_SECONDS = 0.05
QUEUE = "default"
VERSION = "1"


def noop(n: int) -> None:
    """Do nothing."""
    job.noop(n)


def ping(n: int) -> None:
    """Record the start."""
    job.ping(n)


def url() -> str:
    """As SQLAlchemy takes it."""
    return os.environ["PEER_URL"].replace("postgresql://", "postgresql+psycopg://")


def setup() -> None:
    """Make the tables and the queue."""
    launch()
    dbos.DBOS.register_queue(
        QUEUE, worker_concurrency=WORKER_CONCURRENCY, polling_interval_sec=POLL_SECONDS
    )
    dbos.DBOS.destroy()


def launch() -> None:
    """Start the engine."""
    dbos.DBOS(
        config={
            "name": "peers",
            "system_database_url": url(),
            "application_version": VERSION,
            "executor_id": str(os.getpid()),
            "log_level": "WARNING",
        }
    )
    dbos.DBOS.workflow(name="noop")(noop)
    dbos.DBOS.workflow(name="ping")(ping)
    dbos.DBOS.launch()


@asynccontextmanager
async def client() -> AsyncIterator["Client"]:
    """Connect without an engine, as a web application would."""
    on = dbos.DBOSClient(system_database_url=url())
    yield Client(on)
    on.destroy()


class Client:
    """Enqueues jobs by the synchronous calls, which the asynchronous calls wrap."""

    def __init__(self, on: dbos.DBOSClient) -> None:
        self._on = on

    async def enqueue(self, task: str, n: int) -> None:
        """Insert one."""
        self._on.enqueue({"queue_name": QUEUE, "workflow_name": task, "app_version": VERSION}, n)

    async def enqueue_many(self, task: str, numbers: Sequence[int]) -> None:
        """Insert one by one: it has no bulk call."""
        for n in numbers:
            await self.enqueue(task, n)


def work() -> None:
    """Run jobs until a signal."""
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    launch()
    stopped.wait()
    dbos.DBOS.destroy()
