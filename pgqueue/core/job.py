"""Rows as people read them: a job, its attempts and log lines, recorded tasks and workers.

`store` makes them from rows, and `client` returns them. A job's verbs call the client that it came
from; nothing here does I/O itself.
"""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, fields
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol

from pgqueue.core.errors import JobLocked, NoDatabase, WrongStatus
from pgqueue.core.lifecycle import JobStatus, Outcome

_WRONG_STATUS: Final = {
    "cancel": "A final job cannot be cancelled any more.",
    "retry": "Only a final or a scheduled job can be queued again.",
}


class JobStatuses(dict[int, JobStatus | None]):
    """The status of each job after an action, by id; None where the action left the job alone.

    Attributes:
        locked: The ids of the jobs that were left alone because other transactions had locked them.
    """

    def __init__(self, statuses: Mapping[int, JobStatus | None] = MappingProxyType({})) -> None:
        super().__init__(statuses)
        self.locked: set[int] = set()


class JobVerbs(Protocol):
    """The verbs of the client that a job came from."""

    def job(self, job_id: int) -> "Job":
        """Read one job."""

    def wait(self, job_id: int, timeout: float | None = None) -> "Job":
        """Wait until a job is final."""

    def cancel(self, ids: int | Iterable[int]) -> JobStatuses:
        """Cancel jobs by id."""

    def retry(self, ids: int | Iterable[int]) -> JobStatuses:
        """Queue jobs again by id."""

    def attempts(self, job_id: int) -> "list[Attempt]":
        """List the settled attempts of a job."""

    def logs(self, job_id: int, after: int = 0) -> "list[LogLine]":
        """List the log lines of a job."""

    async def ajob(self, job_id: int) -> "Job":
        """Read one job."""

    async def await_job(self, job_id: int, timeout: float | None = None) -> "Job":
        """Wait until a job is final."""

    async def acancel(self, ids: int | Iterable[int]) -> JobStatuses:
        """Cancel jobs by id."""

    async def aretry(self, ids: int | Iterable[int]) -> JobStatuses:
        """Queue jobs again by id."""

    async def aattempts(self, job_id: int) -> "list[Attempt]":
        """List the settled attempts of a job."""

    async def alogs(self, job_id: int, after: int = 0) -> "list[LogLine]":
        """List the log lines of a job."""


@dataclass(frozen=True, slots=True)
class Undecodable:
    """Stands for stored JSON that Python cannot read, such as an integer of 5,000 digits."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Job:
    """One job, with the values that its row had when it was read.

    `args` and `result` are decoded JSON, or `Undecodable`. `finished_at`, `result` and `error`
    belong to the last settled attempt; `attempts()` lists all. The `repr` leaves the arguments
    out: they may hold secrets, and jobs are logged.
    """

    id: int
    queue: str
    task: str
    args: Any = field(repr=False)
    status: JobStatus
    priority: int
    position: int
    run_at: datetime
    executor: str
    delivery: str
    attempt: int
    failure_count: int
    lost_count: int
    max_attempts: int
    timeout_seconds: float | None
    deadline_at: datetime | None
    expires_at: datetime | None
    worker_id: int | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    result: Any
    error: str | None
    progress: float | None
    progress_message: str | None
    unique_key: str | None
    concurrency_key: str | None
    ordering_key: str | None
    tags: tuple[str, ...]
    _client: JobVerbs | None = field(default=None, repr=False, compare=False)
    _make: "Callable[[], Job] | None" = field(default=None, init=False, repr=False, compare=False)

    def __getstate__(self) -> tuple[Any, ...]:
        """The row. A pickle has no client: that may hold a password, and holds connections."""
        return tuple(getattr(self, name) for name in _COLUMNS)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        for name, value in zip(_COLUMNS, state, strict=True):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_client", None)
        object.__setattr__(self, "_make", None)

    def __copy__(self) -> "Job":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Job":
        job = object.__new__(Job)
        job.__setstate__(deepcopy(self.__getstate__(), memo))
        object.__setattr__(job, "_client", self._client)
        return job

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # Python calls this for an attribute that is not set: most fields of a `lazy_job`.
            if name not in _ROW:
                raise AttributeError(f"a Job has no {name!r}", name=name, obj=self)
            # A second thread finds the fields set, or sets them to equal values once more.
            if (make := self._make) is not None:
                job = make()
                for column in _ROW:
                    object.__setattr__(self, column, getattr(job, column))
                object.__setattr__(self, "_make", None)
            return object.__getattribute__(self, name)

    def refresh(self) -> "Job":
        """Read the job again and return it.

        Raises:
            JobGone: It was deleted, or its transaction has not committed.
        """
        return self._verbs().job(self.id)

    async def arefresh(self) -> "Job":
        """Read the job again and return it: the asyncio twin of `refresh`."""
        return await self._verbs().ajob(self.id)

    def wait(self, timeout: float | None = None) -> "Job":
        """Wait until the job is final, and return it.

        Args:
            timeout: Seconds; None waits for ever.

        Raises:
            TimeoutError: It was not final in time.
            JobGone: It was deleted, or its transaction has not committed.
            EventLoopBlocked: An event loop runs in this thread: use `await_job`.
        """
        return self._verbs().wait(self.id, timeout)

    async def await_job(self, timeout: float | None = None) -> "Job":
        """Wait until the job is final, and return it: the asyncio twin of `wait`."""
        return await self._verbs().await_job(self.id, timeout)

    def cancel(self) -> "Job":
        """Cancel the job: a waiting one at once, a running one through its worker.

        Raises:
            WrongStatus: It is final.
            JobLocked: Another transaction has locked its row for 5 s.
            JobGone: It was deleted, or its transaction has not committed.
        """
        statuses = self._verbs().cancel(self.id)
        return self.refresh()._after("cancel", statuses)

    async def acancel(self) -> "Job":
        """Cancel the job: the asyncio twin of `cancel`."""
        statuses = await self._verbs().acancel(self.id)
        return (await self.arefresh())._after("cancel", statuses)

    def retry(self) -> "Job":
        """Queue the job again, due at once, with `failure_count` and `lost_count` at 0.

        Raises:
            WrongStatus: It is queued, blocked or running.
            JobLocked: Another transaction has locked its row for 5 s.
            JobGone: It was deleted, or its transaction has not committed.
        """
        statuses = self._verbs().retry(self.id)
        return self.refresh()._after("retry", statuses)

    async def aretry(self) -> "Job":
        """Queue the job again: the asyncio twin of `retry`."""
        statuses = await self._verbs().aretry(self.id)
        return (await self.arefresh())._after("retry", statuses)

    def attempts(self) -> "list[Attempt]":
        """List the job's settled attempts, first to last."""
        return self._verbs().attempts(self.id)

    async def aattempts(self) -> "list[Attempt]":
        """List the job's settled attempts: the asyncio twin of `attempts`."""
        return await self._verbs().aattempts(self.id)

    def logs(self) -> "list[LogLine]":
        """List the log lines of the job's attempts, oldest first."""
        return self._verbs().logs(self.id)

    async def alogs(self) -> "list[LogLine]":
        """List the log lines of the job's attempts: the asyncio twin of `logs`."""
        return await self._verbs().alogs(self.id)

    def _after(self, verb: str, statuses: JobStatuses) -> "Job":
        if self.id in statuses.locked:
            raise JobLocked(self.id, verb)
        if statuses[self.id] is None:
            raise WrongStatus(self.id, self.status.value, verb, _WRONG_STATUS[verb])
        return self

    def _verbs(self) -> JobVerbs:
        if self._client is None:
            raise NoDatabase()
        return self._client

    def _bind(self, client: JobVerbs) -> None:
        object.__setattr__(self, "_client", client)


_COLUMNS: Final = tuple(
    column.name for column in fields(Job) if column.name not in ("_client", "_make")
)
_ROW: Final = frozenset(_COLUMNS)


def lazy_job(make: Callable[[], Job]) -> Job:
    """Return a job that is made when one of its fields is read, equal to what *make* returns.

    Most callers of `enqueue` do not read the job, and making it takes as long as encoding its
    arguments.
    """
    job = object.__new__(Job)
    object.__setattr__(job, "_client", None)
    object.__setattr__(job, "_make", make)
    return job


def bind(job: Job, client: JobVerbs) -> Job:
    """Set the client that the verbs of a new job call, and return the job."""
    job._bind(client)
    return job


@dataclass(frozen=True, slots=True)
class Attempt:
    """One settled attempt of a job; `started_at` is None when its task never started."""

    job_id: int
    attempt: int
    worker_id: int | None
    started_at: datetime | None
    finished_at: datetime
    outcome: Outcome
    error_type: str | None
    error_message: str | None
    traceback: str | None


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line that an attempt logged; ids rise in the order of writing."""

    id: int
    job_id: int
    attempt: int
    logged_at: datetime
    level: str
    logger: str
    message: str


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A task as a worker recorded it; a job that is enqueued by name gets its `options`."""

    name: str
    signature: str
    docstring: str
    options: Any
    aliases: tuple[str, ...]
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class UnknownTaskRecord:
    """Queued jobs of one task and queue whose task no live worker of that queue knows.

    `unknown_since` is when the last worker that may have known the task ended, or when the first
    of the jobs was enqueued. `worker_count` is the number of live workers that take the queue.
    """

    task: str
    queue: str
    job_count: int
    worker_count: int
    unknown_since: datetime


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """A child process that runs or ran jobs; `stopped_at` is None while it lives."""

    id: int
    supervisor_id: int
    executor: str
    slots: int
    host: str
    pid: int | None
    queues: tuple[str, ...]
    started_at: datetime
    last_seen_at: datetime
    lease_until: datetime
    stopped_at: datetime | None
    stop_reason: str | None
    stop_detail: str | None
    unknown_tasks: tuple[str, ...]
