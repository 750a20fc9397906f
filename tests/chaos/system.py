"""The system under test: the parts that a fault can reach."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chaos.fleet import Fleet
from chaos.process_guard import ProcessGuard
from chaos.proxy import Proxy
from chaos.server import Server

SUPERVISORS = ("a", "b")

PROXIES = (*SUPERVISORS, "producers")
"""Each supervisor has a proxy, which its children share; the producers have one too."""


@dataclass(frozen=True, slots=True)
class System:
    """The parts of a run.

    Attributes:
        disk: The small file system of the queue's tables; None when it is not mounted.
    """

    server: Server
    proxies: Mapping[str, Proxy]
    fleet: Fleet
    process_guard: ProcessGuard
    disk: Path | None
