"""`client.workers`: the verbs that read workers."""

import asyncio

from pgqueue.client.verbs import Verbs
from pgqueue.core.job import WorkerRecord

WORKERS_MAX = 1_000

WorkerRecords = list[WorkerRecord]
"""Named here, because `list` is a verb inside the class."""


class Workers(Verbs):
    """The workers of one database, as `client.workers`."""

    def list(self, *, with_stopped: bool = False, limit: int = WORKERS_MAX) -> WorkerRecords:
        """List the live workers, newest first; also the stopped ones, until they are pruned.

        A worker counts as live until its end is written. After a SIGKILL of its supervisor, that
        is when its lease has expired and another supervisor runs: compare `lease_until` with now.

        Args:
            with_stopped: Whether to list the stopped workers too.
            limit: 1 to 100,000.

        Raises:
            InvalidOption: The limit has a bad value.
        """
        from pgqueue.store.reports.workers import list_workers

        return self._read(list_workers(with_stopped=with_stopped, limit=limit))

    async def alist(self, *, with_stopped: bool = False, limit: int = WORKERS_MAX) -> WorkerRecords:
        """List workers: the asyncio twin of `list`."""
        return await asyncio.to_thread(self.list, with_stopped=with_stopped, limit=limit)

    def show(self, worker_id: int) -> WorkerRecord | None:
        """Read one worker, live or stopped; None when there is none with that id."""
        from pgqueue.store.reports.workers import worker_by_id

        return self._read(worker_by_id(worker_id))

    async def ashow(self, worker_id: int) -> WorkerRecord | None:
        """Read one worker: the asyncio twin of `show`."""
        return await asyncio.to_thread(self.show, worker_id)
