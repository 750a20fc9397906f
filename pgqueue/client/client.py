"""`Client`: the verbs of one database, for programs, the command line and pages alike.

Joins the caller's transaction when a verb gets a `connection`, else commits by itself. Tasks
use it for what is validated by their signature; here are the names as they were typed.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from pgqueue.client.idle_links import IdleLinks
from pgqueue.core.duration import Duration
from pgqueue.core.errors import InvalidOption, JobGone, NoDatabase, UnsupportedConnection
from pgqueue.core.job import (
    Attempt,
    Job,
    LogLine,
    TaskRecord,
    UnknownTaskRecord,
    WorkerRecord,
    bind,
)
from pgqueue.core.job_filters import JobFilters
from pgqueue.core.lifecycle import JobStatus
from pgqueue.core.new_job import BATCH_SIZE, NewJob
from pgqueue.core.options import NAME_CHARACTERS_MAX, UNSET, CallOptions, Unset, check_text
from pgqueue.core.retry import Retry
from pgqueue.core.settings import load_settings
from pgqueue.core.values.arguments import encode_mapping
from pgqueue.store import attempts, bulk_insert, enqueueing, jobs, logs, tasks
from pgqueue.store.connection.adopt import aadopt, adopt
from pgqueue.store.connection.database import Database
from pgqueue.store.jobs import JobSelection
from pgqueue.store.statement import Statement, arun, run

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

    from pgqueue.store.reports import Report

T = TypeVar("T")
_Steering = Callable[[JobSelection], Statement[dict[int, JobStatus | None]]]

LOG_LINES_MAX = 1_000
_POLL_SECONDS_MIN = 0.005
_POLL_SECONDS_MAX = 0.25
_STEERED_AT_ONCE_MAX = 500


class Client:
    """The verbs of one database.

    Threads, greenlets and the event loop may share one; a forked child may go on with it. It
    keeps up to four idle connections of its own. What is not given comes from the settings.

    Args:
        url_or_engine: `postgresql://…` (libpq's or SQLAlchemy's form), a libpq `key=value`
            string, or an engine of SQLAlchemy: its URL is taken, password included, not its pool.
        schema: The schema of our tables.
        args_bytes_max: Limit of the arguments of a job that is enqueued by name.

    Raises:
        NoDatabase: Neither a URL nor the setting `url` was given.
        InvalidSettings: A setting or the schema's name has a bad value.
        UnsupportedConnection: The engine is not PostgreSQL's.
    """

    def __init__(
        self,
        url_or_engine: "str | Engine | AsyncEngine | None" = None,
        *,
        schema: str | None = None,
        args_bytes_max: int | None = None,
    ) -> None:
        settings = load_settings({"schema": schema, "args_bytes_max": args_bytes_max})
        url = settings.url if url_or_engine is None else _url(url_or_engine)
        if url is None:
            raise NoDatabase()
        self.database = Database(url, settings.schema)
        self.args_bytes_max = settings.args_bytes_max
        self._links = IdleLinks(self.database)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the idle connections; the client stays usable and opens new ones."""
        self._links.close()

    def insert(self, new: NewJob, *, connection: object = None) -> Job:
        """Insert one job, in the transaction of *connection* or in one of its own."""
        return self._bound(self._ask(enqueueing.enqueue(new), connection))

    async def ainsert(self, new: NewJob, *, connection: object = None) -> Job:
        """Insert one job without blocking the event loop: the asyncio twin of `insert`."""
        if connection is None:
            return await asyncio.to_thread(self.insert, new)
        link = await aadopt(connection, self.database.schema)
        return self._bound(await arun(link, enqueueing.enqueue(new)))

    def insert_many(
        self, new: Iterable[NewJob], *, connection: object = None, batch_size: int = BATCH_SIZE
    ) -> int:
        """Insert many jobs by COPY and return how many; all of them appear at once.

        Args:
            new: Consumed once, a batch at a time; may be a generator.
            batch_size: Jobs per COPY, 1 to 50,000.
        """
        if connection is not None:
            return bulk_insert.insert(adopt(connection, self.database.schema), new, batch_size)
        with self._links.borrow() as link:
            return bulk_insert.insert(link, new, batch_size)

    async def ainsert_many(
        self, new: Iterable[NewJob], *, connection: object = None, batch_size: int = BATCH_SIZE
    ) -> int:
        """Insert many jobs by COPY: the asyncio twin of `insert_many`.

        Without a connection *new* is consumed in a thread.
        """
        if connection is None:
            return await asyncio.to_thread(self.insert_many, new, batch_size=batch_size)
        link = await aadopt(connection, self.database.schema)
        return await bulk_insert.ainsert(link, new, batch_size)

    def enqueue(
        self,
        task: str,
        args: Mapping[str, object] | None = None,
        *,
        connection: object = None,
        queue: str | Unset = UNSET,
        priority: int | Unset = UNSET,
        run_after: Duration | datetime | Unset | None = UNSET,
        timeout: Duration | Unset | None = UNSET,
        retry: Retry | Unset = UNSET,
        expires_after: Duration | Unset | None = UNSET,
        tags: Iterable[str] | Unset = UNSET,
    ) -> Job:
        """Insert one job of a task by its name, without its code.

        What is not given is taken from what a worker recorded for the task, else from the
        defaults. The arguments meet the task's signature only when the job runs.

        Args:
            task: Canonical path or alias.
            args: Arguments by parameter name, made of what JSON can hold.
            connection: Whose transaction the job joins; None for one of its own.
            run_after: Seconds or a timedelta from now, or an aware datetime.
            timeout: Seconds or a timedelta; None for none.
            expires_after: Seconds or a timedelta; a job not started by then is cancelled.

        Raises:
            InvalidOption: One of the options is out of bounds.
            UnstorableValue: One of the arguments cannot be stored; nothing was sent.
            PayloadTooLarge: The arguments exceed `args_bytes_max`; nothing was sent.
            UnsupportedConnection: The connection cannot carry jobs.
            DatabaseUnreachable: No server answers; only without a connection.
        """
        options = CallOptions(
            connection=connection,
            queue=queue,
            priority=priority,
            run_after=run_after,
            timeout=timeout,
            retry=retry,
            expires_after=expires_after,
            tags=tags,
        )
        return self._bound(self._ask(self._by_name(task, args, options), connection))

    async def aenqueue(
        self,
        task: str,
        args: Mapping[str, object] | None = None,
        *,
        connection: object = None,
        queue: str | Unset = UNSET,
        priority: int | Unset = UNSET,
        run_after: Duration | datetime | Unset | None = UNSET,
        timeout: Duration | Unset | None = UNSET,
        retry: Retry | Unset = UNSET,
        expires_after: Duration | Unset | None = UNSET,
        tags: Iterable[str] | Unset = UNSET,
    ) -> Job:
        """Insert one job of a task by its name: the asyncio twin of `enqueue`."""
        options = CallOptions(
            connection=connection,
            queue=queue,
            priority=priority,
            run_after=run_after,
            timeout=timeout,
            retry=retry,
            expires_after=expires_after,
            tags=tags,
        )
        statement = self._by_name(task, args, options)
        if connection is None:
            return self._bound(await asyncio.to_thread(self._ask, statement))
        link = await aadopt(connection, self.database.schema)
        return self._bound(await arun(link, statement))

    def job(self, job_id: int) -> Job:
        """Read one job.

        Raises:
            JobGone: There is none with that id, or its transaction has not committed.
        """
        return self._present(job_id, self._ask(jobs.job(job_id)))

    def jobs(
        self, *, limit: int = 100, ids: Iterable[int] | None = None, **filters: Unpack[JobFilters]
    ) -> list[Job]:
        """List the jobs that fit every filter of `JobFilters`, newest first.

        Args:
            limit: 1 to 100,000.
            ids: Any of these.

        Raises:
            InvalidOption: A filter or the limit has a bad value.
        """
        from pgqueue.store import reports

        return [
            self._bound(each) for each in self._read(reports.jobs(filters, ids=ids, limit=limit))
        ]

    def count(self, *, ids: Iterable[int] | None = None, **filters: Unpack[JobFilters]) -> int:
        """Count the jobs that fit every filter of `JobFilters`.

        Raises:
            InvalidOption: A filter has a bad value.
        """
        from pgqueue.store import reports

        return self._read(reports.count(filters, ids=ids))

    def cancel(
        self, ids: int | Iterable[int] | None = None, **filters: Unpack[JobFilters]
    ) -> dict[int, JobStatus | None]:
        """Cancel jobs by id or by filter: waiting ones at once, running ones by their worker.

        Returns the status that each now has; None where it was final already, or is gone. A
        filter takes the newest 100,000 jobs that fit; what has left the filter's status or
        worker by the time its turn comes is left alone, with None.

        Raises:
            InvalidOption: Neither ids nor a filter were given, or a filter has a bad value.
        """
        # A job that begins to run meanwhile is meant all the same, unless its worker was: of what
        # that one has had in hand, only what runs can be cancelled.
        is_exact = filters.get("worker") is not None
        if is_exact and filters.get("status") is None:
            filters = {**filters, "status": JobStatus.RUNNING}
        meant = self._meant("cancel", ids, filters, is_exact=is_exact)
        return self._steer(jobs.cancel, meant)

    def retry(
        self, ids: int | Iterable[int] | None = None, **filters: Unpack[JobFilters]
    ) -> dict[int, JobStatus | None]:
        """Queue jobs again by id or by filter, due at once, with their charges forgotten.

        Returns the status that each now has; None where it waits already, runs, or is gone. A
        filter takes the newest 100,000 jobs that fit, and no at_most_once job, which only a
        person who names it by id may start once more. What was retried or claimed since the
        filter found it is left alone, with None: two who retry the same failures run each once.

        Raises:
            InvalidOption: Neither ids nor a filter were given, or a filter has a bad value.
        """
        delivery = "at_least_once" if ids is None else None
        meant = self._meant("retry", ids, filters, delivery, is_exact=True)
        return self._steer(jobs.retry, meant)

    def attempts(self, job_id: int) -> list[Attempt]:
        """List the settled attempts of a job, first to last."""
        return self._ask(attempts.attempts_of(job_id))

    def logs(self, job_id: int, after: int = 0, *, limit: int = LOG_LINES_MAX) -> list[LogLine]:
        """List what a job's attempts logged, oldest first.

        Args:
            after: Id of the last line seen already; 0 begins with the first.
        """
        return self._ask(logs.logs_of(job_id, after=after, lines_max=limit))

    def last_logs(self, job_id: int, *, limit: int = 50) -> list[LogLine]:
        """List the last lines that a job's attempts logged, oldest first."""
        return self._ask(logs.last_logs_of(job_id, lines_max=limit))

    def tasks(self) -> list[TaskRecord]:
        """List the tasks that workers recorded, by name."""
        from pgqueue.store import reports

        return self._read(reports.tasks())

    def task(self, name: str) -> TaskRecord | None:
        """Read the recorded task with that name, else with that alias; None without one."""
        from pgqueue.store import reports

        return self._read(reports.task_named(name))

    def unknown_tasks(self) -> list[UnknownTaskRecord]:
        """List the tasks that have queued jobs and that no live worker of their queue knows."""
        return self._ask(tasks.unknown_tasks())

    def workers(self, *, with_stopped: bool = False, limit: int = 1_000) -> list[WorkerRecord]:
        """List the workers that live, newest first; with the stopped ones, while remembered."""
        from pgqueue.store import reports

        return self._read(reports.workers(with_stopped=with_stopped, limit=limit))

    def wait(self, job_id: int, timeout: float | None = None) -> Job:
        """Wait until a job is final and return it.

        Args:
            timeout: Seconds; None waits for ever.

        Raises:
            TimeoutError: It was not final in time.
            JobGone: There is none with that id; with `keep=0` a success is deleted at once.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = _POLL_SECONDS_MIN
        while not (found := self.job(job_id)).status.is_final:
            remaining = _POLL_SECONDS_MAX if deadline is None else deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError(
                    f"Job {job_id} is {found.status} after {timeout:g} s. Wait longer, or look "
                    "whether a worker takes its queue."
                )
            time.sleep(min(pause, remaining))
            pause = min(pause * 1.5, _POLL_SECONDS_MAX)
        return found

    def _ask(self, statement: Statement[T], connection: object = None) -> T:
        if connection is not None:
            return run(adopt(connection, self.database.schema), statement)
        with self._links.borrow() as link:
            return run(link, statement)

    def _read(self, report: "Report[T]") -> T:
        from pgqueue.store.reports import read

        with self._links.borrow() as link:
            return read(link, report)

    def _by_name(
        self, task: str, args: Mapping[str, object] | None, options: CallOptions
    ) -> Statement[Job]:
        task = check_text("task", task, NAME_CHARACTERS_MAX)
        text = encode_mapping(args or {}, task=task, args_bytes_max=self.args_bytes_max)
        columns = options.columns()
        run_after: Any = columns.pop("run_after", None)
        return enqueueing.enqueue_by_name(task, text, run_after=run_after, options=columns)

    def _meant(
        self,
        verb: str,
        ids: int | Iterable[int] | None,
        filters: JobFilters,
        delivery: str | None = None,
        *,
        is_exact: bool,
    ) -> JobSelection:
        if isinstance(ids, int):
            ids = [ids]
        if not any(value is not None for value in filters.values()):
            if ids is None:
                raise InvalidOption("ids", None, f"say which jobs to {verb}, by id or by a filter.")
            return JobSelection(sorted(set(ids)))

        from pgqueue.store import reports

        if (status := filters.get("status")) is not None and not isinstance(status, str):
            filters = {**filters, "status": list(status)}  # looked at twice
        limit = reports.LIMIT_MAX
        return self._read(
            reports.select_jobs(filters, ids=ids, delivery=delivery, is_exact=is_exact, limit=limit)
        )

    def _steer(self, verb: _Steering, meant: JobSelection) -> dict[int, JobStatus | None]:
        # In short transactions: each holds its jobs locked until it commits.
        statuses: dict[int, JobStatus | None] = {}
        for some in meant.portions(_STEERED_AT_ONCE_MAX):
            answer = self._ask(verb(some))
            statuses.update(answer)
        return statuses

    def _present(self, job_id: int, found: Job | None) -> Job:
        if found is None:
            raise JobGone(job_id)
        return self._bound(found)

    def _bound(self, job: Job) -> Job:
        # A client made for a caller's connection alone has no database to ask again.
        return bind(job, self) if self.database.url else job


def _url(url_or_engine: object) -> str:
    if isinstance(url_or_engine, str):
        return url_or_engine
    url = getattr(url_or_engine, "url", None)
    if url is None or not hasattr(url, "render_as_string"):
        raise UnsupportedConnection(
            type(url_or_engine).__name__, "Pass a URL or an engine of SQLAlchemy."
        )
    if url.get_backend_name() != "postgresql":
        raise UnsupportedConnection(
            type(url_or_engine).__name__,
            f"Its database is {url.get_backend_name()}: jobs live in PostgreSQL.",
        )
    text: str = url.render_as_string(hide_password=False)
    # SQLAlchemy leaves spaces as they are, and libpq refuses them.
    return text.replace(" ", "%20")
