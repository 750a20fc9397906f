"""Rows as people read them: a job, its attempts and log lines, the tasks and workers known.

Made by `store` from what the database answers, handed out by `client`. A job's verbs go back
through the client that it came from; nothing here does I/O itself.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from pgqueue.core.errors import NoDatabase, WrongStatus
from pgqueue.core.lifecycle import JobStatus, Outcome


class JobVerbs(Protocol):
    """What a job asks of the client that it came from."""

    def job(self, job_id: int) -> "Job":
        """Read one job."""

    def wait(self, job_id: int, timeout: float | None = None) -> "Job":
        """Wait until a job is final."""

    def cancel(self, ids: int | Iterable[int]) -> Mapping[int, JobStatus | None]:
        """Cancel jobs by id."""

    def retry(self, ids: int | Iterable[int]) -> Mapping[int, JobStatus | None]:
        """Queue jobs again by id."""

    def attempts(self, job_id: int) -> "list[Attempt]":
        """List the settled attempts of a job."""

    def logs(self, job_id: int, after: int = 0) -> "list[LogLine]":
        """List the log lines of a job."""


@dataclass(frozen=True, slots=True)
class Undecodable:
    """Stands for stored JSON that Python cannot read back, such as an integer of 5,000 digits."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Job:
    """One job, as its row stood when it was read.

    `args` and `result` are decoded JSON, or `Undecodable`. `finished_at`, `result` and `error`
    belong to the last settled attempt; `attempts()` tells of all. The `repr` leaves the arguments
    out: jobs are logged by people who do not know what is secret in them.
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

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # Python asks here for what is not set: of a job `made_later`, all but two fields.
            if name not in _ROW:
                raise AttributeError(f"a Job has no {name!r}", name=name, obj=self)
            # A thread that comes second finds them set, or sets the same once more.
            if (make := self._make) is not None:
                made = make()
                for each in _ROW:
                    object.__setattr__(self, each, getattr(made, each))
                object.__setattr__(self, "_make", None)
            return object.__getattribute__(self, name)

    def refresh(self) -> "Job":
        """Return the job as it stands now.

        Raises:
            JobGone: It was deleted, or its transaction has not committed.
        """
        return self._verbs().job(self.id)

    def wait(self, timeout: float | None = None) -> "Job":
        """Wait until the job is final and return it as it then stands.

        Args:
            timeout: Seconds; None waits for ever.

        Raises:
            TimeoutError: It was not final in time.
            JobGone: It was deleted, or its transaction has not committed.
        """
        return self._verbs().wait(self.id, timeout)

    def cancel(self) -> "Job":
        """Cancel the job, at once while it waits, by asking its worker while it runs.

        Raises:
            WrongStatus: It is final.
            JobGone: It was deleted, or its transaction has not committed.
        """
        status = self._verbs().cancel(self.id)[self.id]
        found = self.refresh()
        if status is None:
            advice = "A final job has nothing left to cancel."
            raise WrongStatus(self.id, found.status.value, "cancel", advice)
        return found

    def retry(self) -> "Job":
        """Queue the job again, due at once, with its charges forgotten.

        Raises:
            WrongStatus: It is queued, blocked or running.
            JobGone: It was deleted, or its transaction has not committed.
        """
        status = self._verbs().retry(self.id)[self.id]
        found = self.refresh()
        if status is None:
            advice = "Only a final or a scheduled job can be queued again."
            raise WrongStatus(self.id, found.status.value, "retry", advice)
        return found

    def attempts(self) -> "list[Attempt]":
        """List the job's settled attempts, first to last."""
        return self._verbs().attempts(self.id)

    def logs(self) -> "list[LogLine]":
        """List what the job's attempts logged, oldest first."""
        return self._verbs().logs(self.id)

    def _verbs(self) -> JobVerbs:
        if self._client is None:
            raise NoDatabase()
        return self._client

    def _bind(self, client: JobVerbs) -> None:
        object.__setattr__(self, "_client", client)


_ROW = frozenset(each.name for each in fields(Job)) - {"_client", "_make"}


def lazy_job(make: Callable[[], Job]) -> Job:
    """Return a job that is made when somebody looks at it, equal to what *make* returns.

    Who enqueues seldom looks at what comes back, and to make it takes as long as to encode its
    arguments.
    """
    job = object.__new__(Job)
    object.__setattr__(job, "_client", None)
    object.__setattr__(job, "_make", make)
    return job


def bind(job: Job, client: JobVerbs) -> Job:
    """Let the verbs of a job that was just made go through *client*, and return it."""
    job._bind(client)
    return job


@dataclass(frozen=True, slots=True)
class Attempt:
    """One settled try of a job; `started_at` is None when it was claimed and never started."""

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
    """A task as a worker recorded it; who enqueues by name takes its `options`."""

    name: str
    signature: str
    docstring: str
    options: Any
    aliases: tuple[str, ...]
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class UnknownTaskRecord:
    """Queued jobs of one task and queue whose task no live worker of that queue knows.

    `unknown_since` is when the last worker that may have known it ended, or the first of the
    jobs was made; `worker_count` is how many live workers take the queue.
    """

    task: str
    queue: str
    job_count: int
    worker_count: int
    unknown_since: datetime


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """A child process that runs jobs, or ran them: `stopped_at` is None while it lives."""

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
