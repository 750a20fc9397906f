"""Verbs that change jobs: cancel and retry, each over a selection of jobs.

A selection is a list of ids, or the jobs that fit filters when the verb is called.
"""

import asyncio
from collections.abc import Callable, Iterable
from math import inf
from typing import Unpack

from pgqueue.client.verbs import Verbs
from pgqueue.core.clock import Timer
from pgqueue.core.errors import InvalidOption
from pgqueue.core.job import JobStatuses
from pgqueue.core.job_filters import JobFilters
from pgqueue.core.job_ids import checked_job_ids
from pgqueue.core.lifecycle import JobStatus
from pgqueue.store import jobs
from pgqueue.store.connection.link import Link
from pgqueue.store.database_errors import LOCK_ERRORS
from pgqueue.store.jobs import JobSelection
from pgqueue.store.statement import Statement, run

Action = Callable[[JobSelection], Statement[dict[int, JobStatus | None]]]

_JOBS_AT_ONCE_MAX = 500

# While the whole table is locked, each job would cost a wait of its own.
_FRUITLESS_SECONDS_MAX = 30.0


class JobActions(Verbs):
    """The verbs of a client that change jobs."""

    def cancel(
        self, ids: int | Iterable[int] | None = None, **filters: Unpack[JobFilters]
    ) -> JobStatuses:
        """Cancel jobs by id or by filter: waiting ones at once, running ones by their worker.

        Returns the status that each job now has; None where it was final already, or is gone. A
        filter selects the newest 100,000 jobs that fit. A job that no longer has the filter's
        status or worker when its turn comes is left alone, with None. A job whose row another
        transaction has locked for 5 s is left alone, too, and is among the `locked` of the answer.

        Raises:
            InvalidOption: Neither ids nor a filter were given, or a filter has a bad value.
        """
        # A job that starts between selection and action is cancelled as well, except under a
        # filter by worker: of the jobs that this worker had, only running ones can be cancelled.
        is_exact = filters.get("worker") is not None
        if is_exact and filters.get("status") is None:
            filters = {**filters, "status": JobStatus.RUNNING}
        selection = self._select("cancel", ids, filters, is_exact=is_exact)
        return self._apply(jobs.cancel, selection)

    async def acancel(
        self, ids: int | Iterable[int] | None = None, **filters: Unpack[JobFilters]
    ) -> JobStatuses:
        """Cancel jobs by id or by filter: the asyncio twin of `cancel`."""
        return await asyncio.to_thread(self.cancel, ids, **filters)

    def retry(
        self, ids: int | Iterable[int] | None = None, **filters: Unpack[JobFilters]
    ) -> JobStatuses:
        """Queue jobs again by id or by filter, due at once, with their failure counts at zero.

        Returns the status that each job now has; None where it waits already, runs, or is gone. A
        filter selects the newest 100,000 jobs that fit, and no at_most_once job: only a person
        who names such a job by its id may start it once more. A job that was retried or claimed
        since it was selected is left alone, with None. So two people who retry the same failures
        run each job once. Locked jobs are left alone, as by `cancel`.

        Raises:
            InvalidOption: Neither ids nor a filter were given, or a filter has a bad value.
        """
        delivery = "at_least_once" if ids is None else None
        selection = self._select("retry", ids, filters, delivery, is_exact=True)
        return self._apply(jobs.retry, selection)

    async def aretry(
        self, ids: int | Iterable[int] | None = None, **filters: Unpack[JobFilters]
    ) -> JobStatuses:
        """Queue jobs again by id or by filter: the asyncio twin of `retry`."""
        return await asyncio.to_thread(self.retry, ids, **filters)

    def _select(
        self,
        verb: str,
        ids: int | Iterable[int] | None,
        filters: JobFilters,
        delivery: str | None = None,
        *,
        is_exact: bool,
    ) -> JobSelection:
        if ids is not None:
            ids = checked_job_ids(ids)
        if not any(value is not None for value in filters.values()):
            if ids is None:
                raise InvalidOption("ids", None, f"say which jobs to {verb}, by id or by a filter.")
            return JobSelection(sorted(set(ids)))

        from pgqueue.store.reports.jobs import select_jobs

        return self._read(select_jobs(filters, ids=ids, delivery=delivery, is_exact=is_exact))

    def _apply(self, action: Action, selection: JobSelection) -> JobStatuses:
        # In short transactions: each keeps its jobs locked until it commits.
        statuses = JobStatuses()
        until = Timer(seconds=inf)
        for part in selection.batches(_JOBS_AT_ONCE_MAX):
            if not until.is_running:
                try:
                    changed = self._run(action(part))
                    statuses.update(changed)
                    continue
                except LOCK_ERRORS:
                    # From now on a job that is locked must not keep the others.
                    until.start(_FRUITLESS_SECONDS_MAX)
            with self._links.borrow() as link:
                _apply_to_unlocked(link, action, part, statuses, until)
        return statuses


def _apply_to_unlocked(
    link: Link, action: Action, selection: JobSelection, statuses: JobStatuses, until: Timer
) -> None:
    """Apply an action to the jobs that nobody has locked, by halves until one job is left."""
    if not until.is_due:
        try:
            with link.transaction():
                run(link, _SHORTEN_LOCK_TIMEOUT)
                changed = run(link, action(selection))
            statuses.update(changed)
            until.start(_FRUITLESS_SECONDS_MAX)
            return
        except LOCK_ERRORS:
            count = len(selection.ids)
        if count > 1:
            for half in selection.batches((count + 1) // 2):
                _apply_to_unlocked(link, action, half, statuses, until)
            return
    statuses.update(dict.fromkeys(selection.ids))
    statuses.locked.update(selection.ids)


_SHORTEN_LOCK_TIMEOUT: Statement[None] = Statement("shorten_lock_timeout", {}, lambda rows: None)
