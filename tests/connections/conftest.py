"""A server for the tests of this folder, which inject one fault at a time."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chaos.server import Server
from proxied_fleet import ProxiedFleet, running_fleet
from server_folders import server_folder


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server for these tests; only processes crash, so no commit needs to reach the disk."""
    with server_folder() as folder:
        started = Server(folder, {"fsync": "off", "max_connections": "60"})
        yield started
        started.close()


@pytest.fixture(scope="session")
def fleet(server: Server) -> Iterator[ProxiedFleet]:
    """Two supervisors that live through all faults of their connections."""
    with running_fleet(server) as proxied:
        proxied.start_two()
        yield proxied
