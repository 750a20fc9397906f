"""Deaths and pauses of supervisors and of their children."""

import signal
from collections.abc import Iterator

from chaos import procs
from chaos.faults.fault import Facts, Step, fault
from chaos.world import SUPERVISORS, World

# Stops outlast the leases of a run, which are 4 s.
_PAST_LEASE = (5.0, 9.0)


@fault(weight=6, targets=SUPERVISORS, needs=("supervisor {}",))
def kill_child(world: World, step: Step) -> Iterator[Facts]:
    """SIGKILL one child."""
    yield {"pids": _each(_one_child(world, step), signal.SIGKILL)}


@fault(weight=2, targets=SUPERVISORS, needs=("supervisor {}",))
def kill_children(world: World, step: Step) -> Iterator[Facts]:
    """SIGKILL all children of a supervisor at once."""
    yield {"pids": _each(world.fleet.children(step.target), signal.SIGKILL)}


@fault(weight=3, targets=SUPERVISORS, needs=("supervisor {}",))
def kill_supervisor(world: World, step: Step) -> Iterator[Facts]:
    """SIGKILL a supervisor; its children are orphans."""
    yield {"pids": world.fleet.kill(step.target, with_children=False)}


@fault(weight=3, targets=SUPERVISORS, needs=("supervisor {}",))
def kill_group(world: World, step: Step) -> Iterator[Facts]:
    """SIGKILL a supervisor with its children, as the loss of a host does."""
    yield {"pids": world.fleet.kill(step.target, with_children=True)}


@fault(weight=3, seconds=(0.5, 9.0), targets=SUPERVISORS, needs=("supervisor {}",))
def stop_child(world: World, step: Step) -> Iterator[Facts]:
    """SIGSTOP one child, and let it go on."""
    return _stopped(world, step, _one_child(world, step))


@fault(weight=2, seconds=_PAST_LEASE, targets=SUPERVISORS, needs=("supervisor {}",))
def stop_supervisor(world: World, step: Step) -> Iterator[Facts]:
    """SIGSTOP a supervisor past its lease: its children go on, and are zombies."""
    return _stopped(world, step, _supervisor(world, step))


@fault(weight=3, seconds=_PAST_LEASE, targets=SUPERVISORS, needs=("supervisor {}",))
def stop_group(world: World, step: Step) -> Iterator[Facts]:
    """SIGSTOP a supervisor and its children past their lease, as a frozen host."""
    children = world.fleet.children(step.target)
    # The children wake first and have a moment as zombies before anybody can end them.
    return _stopped(world, step, [*children, *_supervisor(world, step)])


@fault(weight=3, targets=SUPERVISORS, needs=("supervisor {}",))
def replace_supervisor(world: World, step: Step) -> Iterator[Facts]:
    """SIGTERM a supervisor beside its successor, as a deploy does."""
    yield {"pid": world.fleet.retire(step.target)}


def _stopped(world: World, step: Step, pids: list[int]) -> Iterator[Facts]:
    for pid in pids:
        world.leash.hold(pid)
    yield {"pids": _each(pids, signal.SIGSTOP)}
    _each(pids, signal.SIGCONT)


def _each(pids: list[int], number: signal.Signals) -> list[int]:
    return [pid for pid in pids if procs.send(pid, number)]


def _supervisor(world: World, step: Step) -> list[int]:
    pid = world.fleet.supervisor(step.target)
    return [] if pid is None else [pid]


def _one_child(world: World, step: Step) -> list[int]:
    children = world.fleet.children(step.target)
    return [children[int(step.luck * len(children))]] if children else []
