"""The faults: one generator function each, which heals its fault after its `yield`."""

from chaos.faults import clock, disk, network, people, processes, programs, server, sessions
from chaos.faults.fault import CATALOGUE, Fault

__all__ = [
    "CATALOGUE",
    "Fault",
    "clock",
    "disk",
    "network",
    "people",
    "processes",
    "programs",
    "server",
    "sessions",
]
