"""Faults of the network, made by a proxy before the database."""

from collections.abc import Iterator

from chaos.faults.fault import Facts, Step, fault
from chaos.proxy import Mode
from chaos.system import PROXIES, SUPERVISORS, System


@fault(weight=2, seconds=(2.0, 12.0), targets=PROXIES, needs=("proxy {}",))
def black_hole(system: System, step: Step) -> Iterator[Facts]:
    """Drop all bytes; connections that are open now never carry a byte again."""
    return _with_mode(system, step, Mode.BLACK_HOLE)


@fault(weight=2, seconds=(6.0, 10.0), targets=SUPERVISORS, needs=("proxy {}",))
def cut_host(system: System, step: Step) -> Iterator[Facts]:
    """Cut a supervisor and its workers off for longer than their leases of 4 s."""
    return _with_mode(system, step, Mode.BLACK_HOLE)


@fault(weight=2, seconds=(2.0, 8.0), targets=PROXIES, needs=("proxy {}",))
def delay(system: System, step: Step) -> Iterator[Facts]:
    """Delay every piece for a while."""
    return _with_mode(system, step, Mode.DELAY)


@fault(weight=1, seconds=(2.0, 6.0), targets=PROXIES, needs=("proxy {}",))
def drip(system: System, step: Step) -> Iterator[Facts]:
    """Carry a few bytes at a time."""
    return _with_mode(system, step, Mode.DRIP)


@fault(weight=3, seconds=(0.0, 2.0), targets=PROXIES, needs=("proxy {}",))
def reset(system: System, step: Step) -> Iterator[Facts]:
    """Reset every connection, also every new one."""
    return _with_mode(system, step, Mode.RESET)


@fault(weight=2, seconds=(0.0, 2.0), targets=PROXIES, needs=("proxy {}",))
def half_close(system: System, step: Step) -> Iterator[Facts]:
    """End the server's half of every connection, unknown to the server."""
    return _with_mode(system, step, Mode.HALF_CLOSE)


@fault(weight=4, seconds=(2.0, 6.0), targets=("producers", *SUPERVISORS), needs=("proxy {}",))
def drop_commit(system: System, step: Step) -> Iterator[Facts]:
    """Pass COMMIT, and drop its reply."""
    return _with_mode(system, step, Mode.DROP_COMMIT)


@fault(weight=5, seconds=(2.0, 6.0), targets=PROXIES, needs=("proxy {}",))
def drop_reply(system: System, step: Step) -> Iterator[Facts]:
    """Pass statements, and drop some of their replies."""
    return _with_mode(system, step, Mode.DROP_REPLY)


def _with_mode(system: System, step: Step, mode: Mode) -> Iterator[Facts]:
    proxy = system.proxies[step.target]
    dropped = proxy.dropped
    proxy.set(mode)
    yield {}
    proxy.set(Mode.PASS)
    yield {"dropped": proxy.dropped - dropped}
