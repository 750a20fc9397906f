"""Verbs that insert jobs: one or many, by a task's checked call or by a task's name.

Every insert emits `job.enqueued`, if anything listens to that.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Unpack

from pgqueue.client.verbs import Verbs
from pgqueue.core.events.event import emit, has_listeners, is_observed
from pgqueue.core.job import Job
from pgqueue.core.new_job import BATCH_SIZE, NewJob
from pgqueue.core.options import (
    CALL_OPTIONS,
    NAME_CHARACTERS_MAX,
    CallKeywords,
    CallOptions,
    check_names,
    check_text,
)
from pgqueue.core.values.arguments import encode_mapping
from pgqueue.store import bulk_insert, enqueueing
from pgqueue.store.connection.adopt import aadopt, adopt
from pgqueue.store.connection.presence import SCHEMA_ERRORS, raise_if_missing
from pgqueue.store.statement import Statement


class JobEnqueueing(Verbs):
    """The verbs of a client that insert jobs.

    Attributes:
        args_bytes_max: Limit of the arguments of a job that is enqueued by name.
    """

    args_bytes_max: int

    def insert(self, new: NewJob, *, connection: object = None) -> Job:
        """Insert one job, in the transaction of *connection* or in one of its own."""
        return self._enqueued(self._run(enqueueing.enqueue(new), connection))

    async def ainsert(self, new: NewJob, *, connection: object = None) -> Job:
        """Insert one job: the asyncio twin of `insert`."""
        return self._enqueued(await self._arun(enqueueing.enqueue(new), connection))

    def insert_many(
        self, new: Iterable[NewJob], *, connection: object = None, batch_size: int = BATCH_SIZE
    ) -> int:
        """Insert many jobs by COPY and return how many; all of them appear at once.

        Args:
            new: Consumed once, a batch at a time; may be a generator.
            batch_size: Jobs per COPY, 1 to 50,000.
        """
        counts = _Counts()
        new = counts.counted(new)
        if connection is not None:
            link = adopt(connection, self.database.schema)
            try:
                job_count = bulk_insert.insert(link, new, batch_size)
            except SCHEMA_ERRORS as error:
                raise_if_missing(link, error)
                raise
        else:
            with self._links.borrow() as link:
                job_count = bulk_insert.insert(link, new, batch_size)
        counts.emit()
        return job_count

    async def ainsert_many(
        self, new: Iterable[NewJob], *, connection: object = None, batch_size: int = BATCH_SIZE
    ) -> int:
        """Insert many jobs by COPY: the asyncio twin of `insert_many`.

        Without a connection a thread consumes *new*.
        """
        if connection is None:
            return await asyncio.to_thread(self.insert_many, new, batch_size=batch_size)
        counts = _Counts()
        link = await aadopt(connection, self.database.schema)
        try:
            job_count = await bulk_insert.ainsert(link, counts.counted(new), batch_size)
        except SCHEMA_ERRORS as error:
            raise_if_missing(link, error)
            raise
        counts.emit()
        return job_count

    def enqueue(
        self,
        task: str,
        args: Mapping[str, object] | None = None,
        **options: Unpack[CallKeywords],
    ) -> Job:
        """Insert one job of a task by its name, without its code.

        An option that is not given comes from the task's record, which a worker wrote; without a
        record it is the default. The arguments meet the task's signature only when the job runs.

        Args:
            task: Canonical path or alias.
            args: Arguments by parameter name, made of what JSON can hold.
            options: The options of `.using()` of a task; `connection=` joins its transaction.

        Raises:
            InvalidOption: One of the options does not exist or is out of bounds.
            UnstorableValue: One of the arguments cannot be stored; nothing was sent.
            PayloadTooLarge: The arguments exceed `args_bytes_max`; nothing was sent.
            UnsupportedConnection: The connection cannot carry jobs.
            DatabaseUnreachable: No server answers; only without a connection.
        """
        statement = self._by_name(task, args, options)
        return self._enqueued(self._run(statement, options.get("connection")))

    async def aenqueue(
        self,
        task: str,
        args: Mapping[str, object] | None = None,
        **options: Unpack[CallKeywords],
    ) -> Job:
        """Insert one job of a task by its name: the asyncio twin of `enqueue`."""
        statement = self._by_name(task, args, options)
        return self._enqueued(await self._arun(statement, options.get("connection")))

    def _by_name(
        self, task: str, args: Mapping[str, object] | None, options: CallKeywords
    ) -> Statement[Job]:
        check_names(CALL_OPTIONS, options)
        task = check_text("task", task, NAME_CHARACTERS_MAX)
        text = encode_mapping(args or {}, task=task, args_bytes_max=self.args_bytes_max)
        columns = CallOptions(**options).columns()
        run_after: Any = columns.pop("run_after", None)
        return enqueueing.enqueue_by_name(task, text, run_after=run_after, options=columns)

    def _enqueued(self, job: Job) -> Job:
        # A job is read only for a listener: reading takes as long as encoding its arguments.
        if _is_enqueued_observed():
            _emit_enqueued(job)
        return self._bound(job)


def _is_enqueued_observed() -> bool:
    # The events of jobs take 16 ms to import, and most programs have no listener.
    if not has_listeners():
        return False
    from pgqueue.core.events.jobs import JobEnqueued

    return is_observed(JobEnqueued)


def _emit_enqueued(job: Job) -> None:
    from pgqueue.core.events.jobs import JobEnqueued

    emit(JobEnqueued(task=job.task, queue=job.queue, job_id=job.id))


class _Counts:
    """Counts the jobs of a bulk insert by task and queue, if anything listens to `job.enqueued`."""

    def __init__(self) -> None:
        self._job_counts: Counter[tuple[str, str]] | None = None
        if _is_enqueued_observed():
            self._job_counts = Counter()

    def counted(self, jobs: Iterable[NewJob]) -> Iterable[NewJob]:
        """The jobs, counted while they are consumed."""
        return jobs if self._job_counts is None else self._count(self._job_counts, jobs)

    def emit(self) -> None:
        """Emit one event for each task and queue."""
        if self._job_counts is None:
            return
        from pgqueue.core.events.jobs import JobEnqueued

        for (task, queue), job_count in self._job_counts.items():
            emit(JobEnqueued(task=task, queue=queue, job_count=job_count))

    @staticmethod
    def _count(job_counts: Counter[tuple[str, str]], jobs: Iterable[NewJob]) -> Iterator[NewJob]:
        for new in jobs:
            job_counts[new.task, new.queue] += 1
            yield new
