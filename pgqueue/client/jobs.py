"""Verbs that read jobs, their attempts and their log lines, and that wait for a job's end."""

import asyncio
import time
from collections.abc import Iterable, Iterator
from math import inf, isnan
from typing import Unpack

from pgqueue.client.verbs import Verbs
from pgqueue.core.clock import Timer
from pgqueue.core.errors import EventLoopBlocked, InvalidOption, JobGone
from pgqueue.core.job import Attempt, Job, LogLine
from pgqueue.core.job_filters import JobFilters
from pgqueue.core.job_ids import checked_job_id
from pgqueue.core.limit import checked_limit
from pgqueue.store import attempts, jobs, logs
from pgqueue.store.statement import Statement

LOG_LINES_MAX = 1_000
LAST_LOG_LINES_MAX = 50

_POLL_SECONDS_MIN = 0.005
_POLL_SECONDS_MAX = 0.25
_POLL_GROWTH = 1.5


class JobReading(Verbs):
    """The verbs of a client that read jobs."""

    def job(self, job_id: int) -> Job:
        """Read one job.

        Raises:
            JobGone: There is none with that id, or its transaction has not committed.
        """
        job = self._run(jobs.job(checked_job_id(job_id)))
        if job is None:
            raise JobGone(job_id)
        return self._bound(job)

    async def ajob(self, job_id: int) -> Job:
        """Read one job: the asyncio twin of `job`."""
        return await asyncio.to_thread(self.job, job_id)

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
        from pgqueue.store.reports.jobs import list_jobs

        jobs = self._read(list_jobs(filters, ids=ids, limit=limit))
        return [self._bound(job) for job in jobs]

    async def ajobs(
        self, *, limit: int = 100, ids: Iterable[int] | None = None, **filters: Unpack[JobFilters]
    ) -> list[Job]:
        """List jobs: the asyncio twin of `jobs`."""
        return await asyncio.to_thread(self.jobs, limit=limit, ids=ids, **filters)

    def count(self, *, ids: Iterable[int] | None = None, **filters: Unpack[JobFilters]) -> int:
        """Count the jobs that fit every filter of `JobFilters`.

        Raises:
            InvalidOption: A filter has a bad value.
        """
        from pgqueue.store.reports.jobs import count_jobs

        return self._read(count_jobs(filters, ids=ids))

    async def acount(
        self, *, ids: Iterable[int] | None = None, **filters: Unpack[JobFilters]
    ) -> int:
        """Count jobs: the asyncio twin of `count`."""
        return await asyncio.to_thread(self.count, ids=ids, **filters)

    def wait(self, job_id: int, timeout: float | None = None) -> Job:
        """Wait until a job is final and return it.

        Args:
            timeout: Seconds; None waits for ever.

        Raises:
            TimeoutError: It was not final in time.
            JobGone: There is none with that id; with `keep=0` a success is deleted at once.
            EventLoopBlocked: An event loop runs in this thread: use `await_job`.
        """
        _refuse_event_loop()
        pauses = _pauses(timeout)
        while not (job := self.job(job_id)).status.is_final:
            if (pause := next(pauses, None)) is None:
                raise _timeout_error(job, timeout)
            time.sleep(pause)
        return job

    async def await_job(self, job_id: int, timeout: float | None = None) -> Job:
        """Wait until a job is final and return it: the asyncio twin of `wait`.

        Cancelling it ends the wait at once, and leaves the job alone.
        """
        pauses = _pauses(timeout)
        while not (job := await self.ajob(job_id)).status.is_final:
            if (pause := next(pauses, None)) is None:
                raise _timeout_error(job, timeout)
            await asyncio.sleep(pause)
        return job

    def attempts(self, job_id: int) -> list[Attempt]:
        """List the settled attempts of a job, first to last."""
        return self._run(attempts.attempts_of(checked_job_id(job_id)))

    async def aattempts(self, job_id: int) -> list[Attempt]:
        """List the settled attempts of a job: the asyncio twin of `attempts`."""
        return await self._arun(attempts.attempts_of(checked_job_id(job_id)))

    def logs(self, job_id: int, after: int = 0, *, limit: int = LOG_LINES_MAX) -> list[LogLine]:
        """List the log lines of a job's attempts, oldest first.

        Args:
            after: Id of the last line that was read already; 0 begins with the first.
            limit: 1 to 100,000.

        Raises:
            InvalidOption: An argument has a bad value.
        """
        return self._run(_logs_of(job_id, after, limit))

    async def alogs(
        self, job_id: int, after: int = 0, *, limit: int = LOG_LINES_MAX
    ) -> list[LogLine]:
        """List the log lines of a job's attempts: the asyncio twin of `logs`."""
        return await self._arun(_logs_of(job_id, after, limit))

    def last_logs(self, job_id: int, *, limit: int = LAST_LOG_LINES_MAX) -> list[LogLine]:
        """List the last log lines of a job's attempts, oldest first."""
        return self._run(_last_logs_of(job_id, limit))

    async def alast_logs(self, job_id: int, *, limit: int = LAST_LOG_LINES_MAX) -> list[LogLine]:
        """List the last log lines of a job's attempts: the asyncio twin of `last_logs`."""
        return await self._arun(_last_logs_of(job_id, limit))


def _logs_of(job_id: int, after: int, limit: int) -> Statement[list[LogLine]]:
    if isinstance(after, bool) or not isinstance(after, int) or not 0 <= after < 2**63:
        raise InvalidOption("after", after, "it takes the id of a log line, or 0.")
    return logs.logs_of(checked_job_id(job_id), after=after, lines_max=checked_limit(limit))


def _last_logs_of(job_id: int, limit: int) -> Statement[list[LogLine]]:
    return logs.last_logs_of(checked_job_id(job_id), lines_max=checked_limit(limit))


def _pauses(timeout: float | None) -> Iterator[float]:
    """The seconds to pause between two readings of a job; ends when the time is up."""
    if timeout is not None and isnan(timeout):
        raise InvalidOption("timeout", timeout, "it takes seconds, or None for no limit.")
    timer = Timer(seconds=inf if timeout is None else timeout)
    return _growing_pauses(timer)


def _growing_pauses(timer: Timer) -> Iterator[float]:
    pause = _POLL_SECONDS_MIN
    while not timer.is_due:
        yield min(pause, timer.seconds_left)
        pause = min(pause * _POLL_GROWTH, _POLL_SECONDS_MAX)


def _refuse_event_loop() -> None:
    # A job that needs this loop would never end, and nothing else of the loop would run meanwhile.
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise EventLoopBlocked("wait", "`await job.await_job()` or `await client.await_job(job_id)`")


def _timeout_error(job: Job, timeout: float | None) -> TimeoutError:
    return TimeoutError(
        f"Job {job.id} is {job.status} after {timeout or 0.0:g} s. Wait longer, or check that a "
        "worker takes its queue."
    )
