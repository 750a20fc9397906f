"""What happens to supervisors and their workers."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pgqueue.core.events.event import LoggedEvent


@dataclass(frozen=True, kw_only=True)
class SupervisorStarted(LoggedEvent):
    """A supervisor started; its workers follow."""

    NAME: ClassVar[str] = "supervisor.started"
    LEVEL: ClassVar[int] = logging.INFO

    supervisor_id: int
    queues: str


@dataclass(frozen=True, kw_only=True)
class SupervisorStopping(LoggedEvent):
    """A supervisor stops, and so do its workers."""

    NAME: ClassVar[str] = "supervisor.stopping"
    LEVEL: ClassVar[int] = logging.INFO

    supervisor_id: int
    grace_seconds: float


@dataclass(frozen=True, kw_only=True)
class SupervisorStopped(LoggedEvent):
    """A supervisor ended, after all its workers."""

    NAME: ClassVar[str] = "supervisor.stopped"
    LEVEL: ClassVar[int] = logging.INFO

    supervisor_id: int


@dataclass(frozen=True, kw_only=True)
class TasksMissing(LoggedEvent):
    """No module with tasks is set, so the workers know no task."""

    NAME: ClassVar[str] = "tasks.missing"
    LEVEL: ClassVar[int] = logging.WARNING

    advice: str = "name their modules with --tasks or the setting `tasks`"


@dataclass(frozen=True, kw_only=True)
class WorkerStarted(LoggedEvent):
    """A supervisor started a worker."""

    NAME: ClassVar[str] = "worker.started"
    LEVEL: ClassVar[int] = logging.INFO

    worker_id: int
    executor: str
    quarantine: bool
    pid: int


@dataclass(frozen=True, kw_only=True)
class WorkerUnstarted(LoggedEvent):
    """The process of a worker could not be started; another start follows after a pause."""

    NAME: ClassVar[str] = "worker.unstarted"
    LEVEL: ClassVar[int] = logging.ERROR

    worker_id: int
    reason: str
    pause_seconds: float


@dataclass(frozen=True, kw_only=True)
class WorkerStopped(LoggedEvent):
    """A worker stopped in order."""

    NAME: ClassVar[str] = "worker.stopped"
    LEVEL: ClassVar[int] = logging.INFO

    worker_id: int
    detail: str


@dataclass(frozen=True, kw_only=True)
class WorkerLost(LoggedEvent):
    """A worker died, or was killed; its jobs are rescued."""

    NAME: ClassVar[str] = "worker.lost"
    LEVEL: ClassVar[int] = logging.WARNING

    worker_id: int
    reason: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class WorkerKilled(LoggedEvent):
    """A supervisor sends SIGKILL to one of its workers."""

    NAME: ClassVar[str] = "worker.killed"
    LEVEL: ClassVar[int] = logging.WARNING

    worker_id: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class WorkerRetired(LoggedEvent):
    """A worker that does not work properly any more has to stop, and is replaced."""

    NAME: ClassVar[str] = "worker.retired"
    LEVEL: ClassVar[int] = logging.WARNING

    worker_id: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class WorkerBlocked(LoggedEvent):
    """A job has blocked a worker's main thread for 5 seconds."""

    NAME: ClassVar[str] = "worker.blocked"
    LEVEL: ClassVar[int] = logging.WARNING

    worker_id: int
    job_id: int


@dataclass(frozen=True, kw_only=True)
class WorkerRefused(LoggedEvent):
    """No worker can start here, and another try would not help."""

    NAME: ClassVar[str] = "worker.refused"
    LEVEL: ClassVar[int] = logging.ERROR

    reason: str


@dataclass(frozen=True, kw_only=True)
class LeaseExpired(LoggedEvent):
    """Workers did not renew their leases in time and count as ended; their jobs are rescued."""

    NAME: ClassVar[str] = "lease.expired"
    LEVEL: ClassVar[int] = logging.WARNING

    worker_ids: Sequence[int]


@dataclass(frozen=True, kw_only=True)
class ForeignWorkers(LoggedEvent):
    """Rows of workers have a supervisor's id, and it did not start them; it leaves them alone."""

    NAME: ClassVar[str] = "workers.foreign"
    LEVEL: ClassVar[int] = logging.WARNING

    supervisor_id: int
    worker_ids: Sequence[int]
