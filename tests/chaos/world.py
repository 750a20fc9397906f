"""What a fault can reach."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chaos.fleet import Fleet
from chaos.leash import Leash
from chaos.proxy import Proxy
from chaos.server import Server

SUPERVISORS = ("a", "b")

PROXIES = (*SUPERVISORS, "producers")
"""Each supervisor has a way to the database of its own, with its children; so have producers."""


@dataclass(frozen=True, slots=True)
class World:
    """The parts of a run.

    Attributes:
        disk: Where the queue's tables lie, when that is a small disk of its own.
    """

    server: Server
    proxies: Mapping[str, Proxy]
    fleet: Fleet
    leash: Leash
    disk: Path | None
