"""Restarts of the server."""

from collections.abc import Iterator

from chaos.faults.fault import Facts, Step, fault
from chaos.system import System


@fault(weight=3, needs=("server",))
def restart_immediate(system: System, step: Step) -> Iterator[Facts]:
    """Stop the server as a crash does, and let it recover."""
    yield {"mode": "immediate"}
    yield {"ready_seconds": system.server.restart("immediate")}


@fault(weight=1, needs=("server",))
def restart_fast(system: System, step: Step) -> Iterator[Facts]:
    """Restart the server in order, which also ends all sessions."""
    yield {"mode": "fast"}
    yield {"ready_seconds": system.server.restart("fast")}
