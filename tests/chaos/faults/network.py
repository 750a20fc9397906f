"""What a proxy does to the ways to the database."""

from collections.abc import Iterator

from chaos.faults.fault import Facts, Step, fault
from chaos.proxy import Mode
from chaos.world import PROXIES, SUPERVISORS, World


@fault(weight=2, seconds=(2.0, 12.0), targets=PROXIES, needs=("proxy {}",))
def black_hole(world: World, step: Step) -> Iterator[Facts]:
    """Swallow all bytes, and never again carry any on the connections that were open."""
    return _behaved(world, step, Mode.BLACK_HOLE)


@fault(weight=2, seconds=(2.0, 8.0), targets=PROXIES, needs=("proxy {}",))
def delay(world: World, step: Step) -> Iterator[Facts]:
    """Hold every piece back for a while."""
    return _behaved(world, step, Mode.DELAY)


@fault(weight=1, seconds=(2.0, 6.0), targets=PROXIES, needs=("proxy {}",))
def drip(world: World, step: Step) -> Iterator[Facts]:
    """Carry a few bytes at a time."""
    return _behaved(world, step, Mode.DRIP)


@fault(weight=3, seconds=(0.0, 2.0), targets=PROXIES, needs=("proxy {}",))
def reset(world: World, step: Step) -> Iterator[Facts]:
    """Reset every connection, and every new one meanwhile."""
    return _behaved(world, step, Mode.RESET)


@fault(weight=2, seconds=(0.0, 2.0), targets=PROXIES, needs=("proxy {}",))
def half_close(world: World, step: Step) -> Iterator[Facts]:
    """End the server's half of every connection; the server does not know."""
    return _behaved(world, step, Mode.HALF_CLOSE)


@fault(weight=4, seconds=(2.0, 6.0), targets=("producers", *SUPERVISORS), needs=("proxy {}",))
def drop_commit(world: World, step: Step) -> Iterator[Facts]:
    """Let COMMIT through, and not the reply to it."""
    return _behaved(world, step, Mode.DROP_COMMIT)


@fault(weight=5, seconds=(2.0, 6.0), targets=PROXIES, needs=("proxy {}",))
def drop_reply(world: World, step: Step) -> Iterator[Facts]:
    """Let statements through, and not the replies to some of them."""
    return _behaved(world, step, Mode.DROP_REPLY)


def _behaved(world: World, step: Step, mode: Mode) -> Iterator[Facts]:
    proxy = world.proxies[step.target]
    dropped = proxy.dropped
    proxy.set(mode)
    yield {}
    proxy.set(Mode.PASS)
    yield {"dropped": proxy.dropped - dropped}
