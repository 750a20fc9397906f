"""What a host's clock does to the supervisor on it."""

from collections.abc import Iterator

from chaos.faults.fault import Facts, Step, fault
from chaos.world import SUPERVISORS, World


@fault(weight=2, seconds=(6.0, 15.0), targets=SUPERVISORS, needs=("clock {}",))
def wrong_clock(world: World, step: Step) -> Iterator[Facts]:
    """Start a supervisor whose clock is an hour off, and set it right in the middle of its work."""
    told = "+1h" if step.luck < 0.5 else "-1h"
    world.fleet.set_clock(step.target, told)
    yield {"off": told, "pid": world.fleet.retire(step.target)}
    world.fleet.right_clock(step.target)
