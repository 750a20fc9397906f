"""A server for the folder's tests, to be hurt by one at a time."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chaos.server import Server
from rig import Rig, running_rig


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server of the tests' own; crashes are of processes, so nothing needs to reach the disk."""
    with tempfile.TemporaryDirectory(prefix="pgqueue-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        started = Server(folder, {"fsync": "off", "max_connections": "60"})
        yield started
        started.close()


@pytest.fixture(scope="session")
def rig(server: Server) -> Iterator[Rig]:
    """Two supervisors that live through all that is done to their connections."""
    with running_rig(server) as made:
        made.start_two()
        yield made
