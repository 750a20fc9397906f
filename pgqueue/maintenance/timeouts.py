"""Ends workers that run a job past its deadline and the grace after it.

A worker raises JobTimeout in the guilty task by itself; this is for code that resists (a C
call that no signal interrupts, a loop that swallows every exception). Only the supervisor
that started a worker may end its process.
"""

from collections.abc import Callable

from pgqueue.maintenance.service import Service
from pgqueue.store import processes
from pgqueue.store.connect import Link
from pgqueue.store.statement import run


def services(
    *,
    supervisor_id: int,
    grace_seconds: float,
    kill: Callable[[int, str], None],
    every_seconds: float = 1.0,
) -> list[Service]:
    """`timeouts` asks for the end of workers with an overdue job.

    Args:
        grace_seconds: How long after its deadline a job may take to give way.
        kill: Ends a worker, given its id and the facts for a person.
    """

    def end_overdue(link: Link) -> bool:
        for each in run(link, processes.overdue(supervisor_id, grace_seconds)):
            late = f"job {each.job_id} was {each.overdue_seconds:.1f} s past its deadline"
            kill(each.worker_id, late)
        return False

    return [Service("timeouts", every_seconds, end_overdue)]
