"""Insert many jobs by COPY, on our own connection or on the caller's.

Never has more than one batch in memory, and takes the next batch from the caller only
between two COPYs: whatever yields the jobs may use the same connection meanwhile.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

from pgqueue.core.errors import InvalidOption
from pgqueue.core.lifecycle import JobStatus
from pgqueue.core.new_job import NewJob
from pgqueue.store.connection.atomic import aatomic, atomic
from pgqueue.store.connection.link import AsyncLink, Link
from pgqueue.store.copy_text import rows_alike
from pgqueue.store.enqueueing import RunAfter, run_after_seconds, run_at
from pgqueue.store.statement import Row, Statement, arun, run

BATCH_SIZE_MAX = 50_000

# What is sent at once, some 30 KB: the server takes it in while the next is written out.
_ROWS_AT_ONCE_MAX = 100

_Alike = tuple[NewJob, list[str]]
"""Jobs that differ in their arguments only: the first of them, and the arguments of each."""

_Wanted = tuple[RunAfter, float | None]
_Due = dict[_Wanted, tuple[datetime, JobStatus, datetime | None]]


def insert(link: Link, jobs: Iterable[NewJob], batch_size: int) -> int:
    """Insert jobs and return how many; all of them appear at once.

    In the caller's transaction, when that commits; on a connection in autocommit, at the end. An
    error, of *jobs* itself too, leaves none of them.

    Raises:
        InvalidOption: *batch_size* is not within 1 to 50,000.
    """
    inserted = 0
    filled: set[str] = set()
    with atomic(link) as is_ours:
        if is_ours:
            run(link, _await_caller())
        for batch in _batches(jobs, batch_size):
            due = run(link, _due(batch))
            link.copy(link.schema.render("copy_jobs"), _rows(batch, due))
            inserted += sum(len(texts) for _, texts in batch)
            filled |= _filled(batch, due)
        if filled:
            run(link, _notify(filled))
    return inserted


async def ainsert(link: AsyncLink, jobs: Iterable[NewJob], batch_size: int) -> int:
    """Insert jobs without blocking the event loop: the asyncio twin of `insert`."""
    inserted = 0
    filled: set[str] = set()
    async with aatomic(link) as is_ours:
        if is_ours:
            await arun(link, _await_caller())
        for batch in _batches(jobs, batch_size):
            due = await arun(link, _due(batch))
            await link.copy(link.schema.render("copy_jobs"), _rows(batch, due))
            inserted += sum(len(texts) for _, texts in batch)
            filled |= _filled(batch, due)
        if filled:
            await arun(link, _notify(filled))
    return inserted


def _batches(jobs: Iterable[NewJob], batch_size: int) -> Iterator[list[_Alike]]:
    if not 1 <= batch_size <= BATCH_SIZE_MAX:
        raise InvalidOption("batch_size", batch_size, f"it takes 1 to {BATCH_SIZE_MAX:,}.")
    remaining = iter(jobs)
    while batch := _alike(islice(remaining, batch_size)):
        yield batch


def _alike(jobs: Iterable[NewJob]) -> list[_Alike]:
    batch: list[_Alike] = []
    texts: list[str] = []
    for new in jobs:
        if not batch or len(texts) == _ROWS_AT_ONCE_MAX or not new.is_like(batch[-1][0]):
            texts = []
            batch.append((new, texts))
        texts.append(new.args)
    return batch


def _due(batch: Sequence[_Alike]) -> Statement[_Due]:
    # Most batches have one moment only, so each is computed once.
    wanted: list[_Wanted] = list(dict.fromkeys(_wanted(new) for new, _ in batch))
    params = {
        "run_at": [run_at(run_after) for run_after, _ in wanted],
        "run_after_seconds": [run_after_seconds(run_after) for run_after, _ in wanted],
        "expires_after_seconds": [expires_after_seconds for _, expires_after_seconds in wanted],
    }

    def decode(rows: Sequence[Row]) -> _Due:
        moments = [(row[0], JobStatus(row[1]), row[2]) for row in rows]
        return dict(zip(wanted, moments, strict=True))

    return Statement("resolve_due_times", params, decode)


def _await_caller() -> Statement[None]:
    return Statement("allow_idle_transaction", {}, _nothing)


def _notify(queues: Iterable[str]) -> Statement[None]:
    return Statement("notify", {"queues": sorted(queues)}, _nothing)


def _nothing(rows: Sequence[Row]) -> None:
    return None


def _wanted(new: NewJob) -> _Wanted:
    return new.run_after, new.expires_after_seconds


def _filled(batch: Iterable[_Alike], due: _Due) -> set[str]:
    """The queues with a job that is ready at once."""
    ready = {wanted for wanted, (_, status, _) in due.items() if status is JobStatus.QUEUED}
    return {new.queue for new, _ in batch if _wanted(new) in ready}


def _rows(batch: Iterable[_Alike], due: _Due) -> Iterator[bytes]:
    """The rows of a batch, in the columns of `copy_jobs.sql`."""
    for new, texts in batch:
        due_at, status, expires_at = due[_wanted(new)]
        yield rows_alike(
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
