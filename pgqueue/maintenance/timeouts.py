"""Asks for the end of jobs that run past their deadline and the grace after it.

A worker raises JobTimeout in the guilty task by itself; this is for code that resists (a C
call that no signal interrupts, a loop that swallows every exception). Only the supervisor
that started a worker may end its process, and knows whether the job is guilty or waits for a slot.
"""

from collections.abc import Callable

from pgqueue.maintenance.service import Service
from pgqueue.store import workers
from pgqueue.store.connection.link import Link
from pgqueue.store.statement import run
from pgqueue.store.workers import OverdueJob


def services(
    *,
    supervisor_id: int,
    grace_seconds: float,
    end: Callable[[OverdueJob], None],
    every_seconds: float = 2.0,
) -> list[Service]:
    """`timeouts` passes on the jobs that the rows say are overdue.

    Args:
        grace_seconds: How long after its deadline a job may take to give way.
        end: Ends the worker of an overdue job if the job is guilty.
    """

    def end_overdue(link: Link) -> bool:
        for each in run(link, workers.overdue_jobs(supervisor_id, grace_seconds)):
            end(each)
        return False

    return [Service("timeouts", every_seconds, end_overdue)]
