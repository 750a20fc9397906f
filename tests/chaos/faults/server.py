"""Ends of the server itself."""

from collections.abc import Iterator

from chaos.faults.fault import Facts, Step, fault
from chaos.world import World


@fault(weight=3, needs=("server",))
def restart_immediate(world: World, step: Step) -> Iterator[Facts]:
    """Stop the server as a crash does, and let it recover."""
    yield {"mode": "immediate"}
    yield {"ready_seconds": world.server.restart("immediate")}


@fault(weight=1, needs=("server",))
def restart_fast(world: World, step: Step) -> Iterator[Facts]:
    """Restart the server in order; sessions are cut all the same."""
    yield {"mode": "fast"}
    yield {"ready_seconds": world.server.restart("fast")}
