"""Requests the end of jobs that run past their deadline and the grace after it.

A worker raises JobTimeout in the overdue task by itself. This service is for code that does not
react: a C call that no signal interrupts, or a loop that catches every exception. Only the
supervisor that started a worker may end its process. It also knows whether the job is responsible,
or only waits for a slot.
"""

from collections.abc import Callable

from pgqueue.core.clock import MONOTONIC, Clock, Stopwatch
from pgqueue.maintenance.service import Service
from pgqueue.store import workers
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run
from pgqueue.store.workers import OverdueJob

# While no worker has a job, by its own account.
_IDLE_SECONDS = 600.0


def services(
    *,
    supervisor_id: int,
    grace_seconds: float,
    end: Callable[[OverdueJob], None],
    is_idle: Callable[[], bool] = lambda: False,
    every_seconds: float = 2.0,
    clock: Clock = MONOTONIC,
) -> list[Service]:
    """The service `overdue`, which calls *end* with each overdue job.

    Args:
        grace_seconds: The time that a job gets to end after its deadline.
        end: Ends the worker of an overdue job if the job is responsible.
        is_idle: Whether no worker has a job; then the service looks every ten minutes.
    """
    last_search = Stopwatch(clock)

    def end_overdue(link: Link) -> bool:
        last_search.restart()
        for job in run(link, workers.overdue_jobs(supervisor_id, grace_seconds)):
            end(job)
        return False

    def is_wanted() -> bool:
        return not is_idle() or last_search.seconds >= _IDLE_SECONDS

    return [Service("overdue", every_seconds, end_overdue, is_wanted=is_wanted)]
