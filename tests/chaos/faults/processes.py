"""Deaths and pauses of supervisors and of their children."""

import signal
import threading
from collections.abc import Iterator

from chaos import procs
from chaos.faults.fault import Facts, Step, fault
from chaos.system import SUPERVISORS, System

# These stops outlast the leases of a run, which are 4 s.
_PAST_LEASE = (5.0, 9.0)

# Shorter than a lease, and long enough to start a worker.
_LIFE_SECONDS = 3.0


@fault(weight=6, targets=SUPERVISORS, needs=("supervisor {}",))
def kill_child(system: System, step: Step) -> Iterator[Facts]:
    """SIGKILL one child."""
    yield {"pids": _send(_one_child(system, step), signal.SIGKILL)}


@fault(weight=2, targets=SUPERVISORS, needs=("supervisor {}",))
def kill_children(system: System, step: Step) -> Iterator[Facts]:
    """SIGKILL all children of a supervisor at once."""
    yield {"pids": _send(system.fleet.children(step.target), signal.SIGKILL)}


@fault(weight=3, targets=SUPERVISORS, needs=("supervisor {}",))
def kill_supervisor(system: System, step: Step) -> Iterator[Facts]:
    """SIGKILL a supervisor; its children are orphans."""
    yield {"pids": system.fleet.kill(step.target, with_children=False)}


@fault(weight=3, targets=SUPERVISORS, needs=("supervisor {}",))
def kill_group(system: System, step: Step) -> Iterator[Facts]:
    """SIGKILL a supervisor with its children, as at the loss of a host."""
    yield {"pids": system.fleet.kill(step.target, with_children=True)}


@fault(weight=3, seconds=(0.5, 9.0), targets=SUPERVISORS, needs=("supervisor {}",))
def stop_child(system: System, step: Step) -> Iterator[Facts]:
    """SIGSTOP one child for a while."""
    return _stop(system, step, _one_child(system, step))


@fault(weight=2, seconds=_PAST_LEASE, targets=SUPERVISORS, needs=("supervisor {}",))
def stop_supervisor(system: System, step: Step) -> Iterator[Facts]:
    """SIGSTOP a supervisor past its lease; its children keep running as zombies."""
    return _stop(system, step, _supervisor(system, step))


@fault(weight=3, seconds=_PAST_LEASE, targets=SUPERVISORS, needs=("supervisor {}",))
def stop_group(system: System, step: Step) -> Iterator[Facts]:
    """SIGSTOP a supervisor and its children past their lease, as a frozen host."""
    children = system.fleet.children(step.target)
    # The children resume first: for a moment they are zombies that no supervisor can end.
    return _stop(system, step, [*children, *_supervisor(system, step)])


@fault(weight=1, seconds=(9.0, 14.0), needs=("supervisor a", "supervisor b"))
def young_supervisors(system: System, step: Step) -> Iterator[Facts]:
    """Lose a host, while no supervisor becomes as old as a lease."""
    healed = threading.Event()

    def replace_all() -> None:
        while not healed.wait(_LIFE_SECONDS):
            for name in SUPERVISORS:
                system.fleet.kill(name, with_children=True)

    thread = threading.Thread(target=replace_all, name="young supervisors", daemon=True)
    thread.start()
    yield {"pids": system.fleet.kill(SUPERVISORS[0], with_children=True)}
    healed.set()
    thread.join(10.0)


@fault(weight=3, targets=SUPERVISORS, needs=("supervisor {}",))
def replace_supervisor(system: System, step: Step) -> Iterator[Facts]:
    """SIGTERM a supervisor while its successor starts, as a deploy does."""
    yield {"pid": system.fleet.retire(step.target)}


def _stop(system: System, step: Step, pids: list[int]) -> Iterator[Facts]:
    for pid in pids:
        system.process_guard.add(pid)
    yield {"pids": _send(pids, signal.SIGSTOP)}
    _send(pids, signal.SIGCONT)


def _send(pids: list[int], number: signal.Signals) -> list[int]:
    return [pid for pid in pids if procs.send(pid, number)]


def _supervisor(system: System, step: Step) -> list[int]:
    pid = system.fleet.supervisor(step.target)
    return [] if pid is None else [pid]


def _one_child(system: System, step: Step) -> list[int]:
    children = system.fleet.children(step.target)
    return [children[int(step.luck * len(children))]] if children else []
