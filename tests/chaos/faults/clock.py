"""Faults of a host's clock."""

from collections.abc import Iterator

from chaos.faults.fault import Facts, Step, fault
from chaos.system import SUPERVISORS, System


@fault(weight=2, seconds=(6.0, 15.0), targets=SUPERVISORS, needs=("clock {}",))
def wrong_clock(system: System, step: Step) -> Iterator[Facts]:
    """Start a supervisor with a clock that is an hour off, and correct the clock while it works."""
    offset = "+1h" if step.luck < 0.5 else "-1h"
    system.fleet.set_clock(step.target, offset)
    yield {"offset": offset, "pid": system.fleet.retire(step.target)}
    system.fleet.correct_clock(step.target)
