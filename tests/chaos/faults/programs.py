"""Deaths and pauses of the processes that tasks have started."""

import signal
from collections.abc import Iterator

from chaos import procs
from chaos.faults.fault import Facts, Step, fault
from chaos.system import SUPERVISORS, System


@fault(weight=3, targets=SUPERVISORS, needs=("supervisor {}",))
def kill_programs(system: System, step: Step) -> Iterator[Facts]:
    """SIGKILL one process that a task has started, or all of a supervisor, as out of memory."""
    started = _started_by_tasks(system, step)
    is_one = step.luck < 0.5
    chosen = [started[int(2 * step.luck * len(started))]] if is_one and started else started
    yield {"started": [pid for pid in chosen if procs.send(pid, signal.SIGKILL)]}


@fault(weight=2, seconds=(0.5, 9.0), targets=SUPERVISORS)
def stop_programs(system: System, step: Step) -> Iterator[Facts]:
    """SIGSTOP what the tasks of a supervisor have started; they end with their worker even so."""
    started = _started_by_tasks(system, step)
    yield {"started": [pid for pid in started if procs.send(pid, signal.SIGSTOP)]}
    for pid in started:
        procs.send(pid, signal.SIGCONT)


def _started_by_tasks(system: System, step: Step) -> list[int]:
    return [
        pid
        for worker_pid in system.fleet.children(step.target)
        for pid in procs.started_by_tasks(worker_pid)
    ]
