"""Decides when a burst is over: when no job is left that a worker of this supervisor can run."""

from collections.abc import Sequence, Set

from pgqueue.core.events.event import emit
from pgqueue.core.events.jobs import JobsUnknown
from pgqueue.core.events.workers import WorkerRefused
from pgqueue.core.exit_codes import EXIT_FAILED
from pgqueue.core.lifecycle import JobStatus
from pgqueue.process.fleet import Fleet
from pgqueue.process.shutdown import Shutdown
from pgqueue.store.queues import UnfinishedJobs

# A module that ends its worker would end each of them.
_EARLY_DEATHS_MAX = 3


class Burst:
    """Stops a supervisor when its queues are done; on the supervisor's main thread."""

    def __init__(self, fleet: Fleet, shutdown: Shutdown) -> None:
        self._fleet = fleet
        self._shutdown = shutdown
        self._early_deaths = 0

    def check(self, unfinished: Sequence[UnfinishedJobs]) -> None:
        """Stop the supervisor if none of the unfinished jobs can go on here.

        The exit code is 1 if jobs are left, of tasks that no worker here knows.
        """
        reports = [child.report for child in self._fleet.children.values()]
        # Without a worker, one starts soon.
        are_ready = bool(reports) and all(report.is_ready for report in reports)
        if self._shutdown.has_begun or self._fleet.is_starting or not are_ready:
            return
        unknown = frozenset().union(*(report.unknown_tasks for report in reports))
        if runnable(unfinished, unknown):
            return
        if unfinished:
            self._shutdown.exit_code = EXIT_FAILED
        self._shutdown.begin()
        for jobs in unfinished:
            emit(JobsUnknown(task=jobs.task, job_count=jobs.job_count))

    def add_early_death(self, detail: str) -> None:
        """Stop the supervisor with exit code 1 at the third worker that died before one was ready.

        Args:
            detail: How the worker ended.
        """
        self._early_deaths += 1
        if self._early_deaths >= _EARLY_DEATHS_MAX and not self._shutdown.has_begun:
            reason = f"{self._early_deaths} workers died before one was ready. The last: {detail}"
            emit(WorkerRefused(reason=reason))
            self._shutdown.exit_code = EXIT_FAILED
            self._shutdown.begin(0.0)


def runnable(unfinished: Sequence[UnfinishedJobs], unknown_tasks: Set[str]) -> list[UnfinishedJobs]:
    """The jobs that can go on where no worker knows *unknown_tasks*; running ones always can."""
    return [
        jobs
        for jobs in unfinished
        if jobs.status is JobStatus.RUNNING or jobs.task not in unknown_tasks
    ]
