"""Insert many jobs by COPY, on our own connection or on the caller's.

One batch at most is in memory. The next batch is taken from the caller between two COPYs, so that
the generator of the jobs may use the connection meanwhile.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

from pgqueue.core.errors import InvalidOption
from pgqueue.core.lifecycle import JobStatus
from pgqueue.core.new_job import NewJob
from pgqueue.store.connection.atomic import aatomic, atomic
from pgqueue.store.connection.link import AsyncLink, Link
from pgqueue.store.copy_text import similar_rows
from pgqueue.store.enqueueing import RunAfter, run_after_seconds, run_at
from pgqueue.store.queues import notify
from pgqueue.store.statement import Row, Statement, arun, run

BATCH_SIZE_MAX = 50_000

# One block of some 30 KB: the server reads it while the next block is written.
_BLOCK_ROWS_MAX = 100

_SimilarJobs = tuple[NewJob, list[str]]
"""Jobs that differ only in their arguments: the first job, and the arguments of all."""

_DueKey = tuple[RunAfter, float | None]
_DueTimes = dict[_DueKey, tuple[datetime, JobStatus, datetime | None]]


def insert(link: Link, jobs: Iterable[NewJob], batch_size: int) -> int:
    """Insert jobs and return how many; all of them appear at once.

    They appear when the caller's transaction commits; in autocommit, when the call ends. After an
    error none is inserted, also after an error of the iterable *jobs*.

    Raises:
        InvalidOption: *batch_size* is not within 1 to 50,000.
    """
    inserted = 0
    ready = Counter[str]()
    with atomic(link) as is_ours:
        if is_ours:
            run(link, _allow_idle_transaction())
        for batch in _batches(jobs, batch_size):
            due_times = run(link, _resolve_due_times(batch))
            link.copy(link.schema.render("copy_jobs"), _rows(batch, due_times))
            inserted += sum(len(texts) for _, texts in batch)
            ready += _ready_jobs(batch, due_times)
        if ready:
            run(link, notify(ready))
    return inserted


async def ainsert(link: AsyncLink, jobs: Iterable[NewJob], batch_size: int) -> int:
    """Insert jobs without blocking the event loop: the asyncio twin of `insert`."""
    inserted = 0
    ready = Counter[str]()
    async with aatomic(link) as is_ours:
        if is_ours:
            await arun(link, _allow_idle_transaction())
        for batch in _batches(jobs, batch_size):
            due_times = await arun(link, _resolve_due_times(batch))
            await link.copy(link.schema.render("copy_jobs"), _rows(batch, due_times))
            inserted += sum(len(texts) for _, texts in batch)
            ready += _ready_jobs(batch, due_times)
        if ready:
            await arun(link, notify(ready))
    return inserted


def _batches(jobs: Iterable[NewJob], batch_size: int) -> Iterator[list[_SimilarJobs]]:
    if not 1 <= batch_size <= BATCH_SIZE_MAX:
        raise InvalidOption("batch_size", batch_size, f"it takes 1 to {BATCH_SIZE_MAX:,}.")
    remaining = iter(jobs)
    while batch := _grouped(islice(remaining, batch_size)):
        yield batch


def _grouped(jobs: Iterable[NewJob]) -> list[_SimilarJobs]:
    batch: list[_SimilarJobs] = []
    texts: list[str] = []
    for new in jobs:
        if not batch or len(texts) == _BLOCK_ROWS_MAX or not new.is_like(batch[-1][0]):
            texts = []
            batch.append((new, texts))
        texts.append(new.args)
    return batch


def _resolve_due_times(batch: Sequence[_SimilarJobs]) -> Statement[_DueTimes]:
    # Most jobs of a batch are due together, so each due time is computed once.
    due_keys: list[_DueKey] = list(dict.fromkeys(_due_key(new) for new, _ in batch))
    params = {"due_keys": json.dumps([_due_key_json(*due_key) for due_key in due_keys])}

    def decode(rows: Sequence[Row]) -> _DueTimes:
        moments = [(row[0], JobStatus(row[1]), row[2]) for row in rows]
        return dict(zip(due_keys, moments, strict=True))

    return Statement("resolve_due_times", params, decode)


def _due_key_json(run_after: RunAfter, expires_after_seconds: float | None) -> dict[str, object]:
    moment = run_at(run_after)
    return {
        "run_at": moment and moment.isoformat(),
        "run_after_seconds": run_after_seconds(run_after),
        "expires_after_seconds": expires_after_seconds,
    }


def _allow_idle_transaction() -> Statement[None]:
    return Statement("allow_idle_transaction", {}, lambda rows: None)


def _due_key(new: NewJob) -> _DueKey:
    return new.run_after, new.expires_after_seconds


def _ready_jobs(batch: Iterable[_SimilarJobs], due_times: _DueTimes) -> Counter[str]:
    """How many jobs of each queue are ready at once."""
    ready = Counter[str]()
    for new, texts in batch:
        _, status, _ = due_times[_due_key(new)]
        if status is JobStatus.QUEUED:
            ready[new.queue] += len(texts)
    return ready


def _rows(batch: Iterable[_SimilarJobs], due_times: _DueTimes) -> Iterator[bytes]:
    """The rows of a batch, in the columns of `copy_jobs.sql`."""
    for new, texts in batch:
        due_at, status, expires_at = due_times[_due_key(new)]
        yield similar_rows(
            (new.queue, new.task),
            texts,
            (
                status.value,
                new.priority,
                due_at,
                new.executor,
                new.delivery,
                new.max_attempts,
                new.backoff,
                new.backoff_base_seconds,
                new.backoff_max_seconds,
                new.backoff_jitter,
                new.timeout_seconds,
                new.keep_seconds,
                expires_at,
                new.tags,
            ),
        )
