"""Starts one worker: its row first, then its process; and writes its end to the row.

A worker has its row before its process, so that no job is ever claimed for an id without a lease.
"""

import socket
from collections.abc import Callable, Collection
from typing import Any

from pgqueue.core.settings import Settings
from pgqueue.process.child import Child, ExitReason
from pgqueue.process.spare_process import SpareProcess
from pgqueue.process.unknown_tasks import UnknownTasks
from pgqueue.process.worker_pool import WorkerPool
from pgqueue.process.worker_registry import WorkerRegistry
from pgqueue.store import workers
from pgqueue.store.connection.database import Database


class Launcher:
    """Starts the workers of one supervisor; on the supervisor's main thread.

    Nothing here waits for the database: the registry runs the statements in order.

    Args:
        database: Where the workers connect to.
        settings: Sizes, times and limits of the workers.
        spare: A started process, for the first worker of its executor.
        on_end_recorded: Called on the registry's thread after a worker's end is written.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        registry: WorkerRegistry,
        unknown_tasks: UnknownTasks,
        *,
        supervisor_id: int,
        spare: SpareProcess | None,
        on_end_recorded: Callable[[], None],
    ) -> None:
        self._database = database
        self._settings = settings
        self._registry = registry
        self._unknown_tasks = unknown_tasks
        self._supervisor_id = supervisor_id
        self._spare = spare
        self._on_end_recorded = on_end_recorded
        self._host = socket.gethostname()
        # When each registration was sent. The registry's thread adds; the main thread removes.
        self._registered_at: dict[int, float] = {}

    def register(self, pool: WorkerPool, then: Callable[[int], None]) -> None:
        """Insert the row of a new worker; *then* gets its id, on the registry's thread."""

        def add(worker_id: int | None) -> None:
            if worker_id is None:
                self.register(pool, then)  # the id was in use
                return
            self._registry.worker_ids.add(worker_id)
            self._registered_at[worker_id] = self._registry.sent_at
            then(worker_id)

        self._registry.submit(
            workers.register_worker(
                supervisor_id=self._supervisor_id,
                executor=pool.kind.executor,
                slots=pool.slots,
                quarantine=pool.kind.quarantine,
                host=self._host,
                queues=self._settings.queues,
                lease_seconds=self._settings.lease_seconds,
            ),
            add,
        )

    def spawn(self, pool: WorkerPool, worker_id: int) -> Child:
        """Start the process of a registered worker."""
        spare = None
        if self._spare is not None and self._spare.executor == pool.kind.executor:
            spare, self._spare = self._spare, None
        child = Child(worker_id, pool, self._config(worker_id, pool), spare)
        child.extend_lease(self._registered_at.pop(worker_id), self._settings.lease_seconds)
        self._unknown_tasks.send_to(child)
        self._registry.submit(workers.set_pid(worker_id, child.pid), lambda _: None)
        return child

    def record_unstarted(self, worker_ids: Collection[int]) -> None:
        """Write the end of registered workers that have no process."""
        for worker_id in worker_ids:
            self._registered_at.pop(worker_id, None)
        self._registry.submit(
            workers.end_workers(worker_ids, "finished", "never started"),
            lambda _: self._registry.worker_ids.difference_update(worker_ids),
        )

    def record_end(
        self, worker_id: int, cause: ExitReason, started_job_ids: Collection[int] | None
    ) -> None:
        """Write a worker's end; SQL decides from it what happens to its jobs.

        Args:
            started_job_ids: The jobs that it started and did not settle; None if unknown.
        """

        def remove(_: object) -> None:
            self._registry.worker_ids.discard(worker_id)
            self._on_end_recorded()

        self._registry.submit(
            workers.end_workers(
                [worker_id],
                cause.reason,
                cause.detail,
                overdue_job_id=cause.overdue_job_id,
                started_job_ids=started_job_ids,
            ),
            remove,
        )

    def _config(self, worker_id: int, pool: WorkerPool) -> dict[str, Any]:
        settings = self._settings
        return {
            "worker_id": worker_id,
            "slots": pool.slots,
            "scoreboard_slots": pool.scoreboard_slots,
            "url": self._database.url,
            "schema": self._database.schema.name,
            "queues": list(settings.queues),
            "strategy": settings.strategy,
            "tasks": list(settings.tasks),
            "prefetch_max": pool.prefetch_max,
            "settling_max": pool.settling_max,
            "result_bytes_max": settings.result_bytes_max,
            "error_bytes_max": settings.error_bytes_max,
            "log_lines_max": settings.log_lines_max,
            "log_bytes_max": settings.log_bytes_max,
            "log_level": settings.log_level,
            "log_format": settings.log_format,
            "log_jobs": settings.log_jobs,
            "log_config": settings.log_config,
            "lease_seconds": settings.lease_seconds,
            "timeout_grace_seconds": settings.timeout_grace_seconds,
        }
