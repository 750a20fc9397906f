"""Folders for the servers of tests, in memory if enough of it is free.

Each test has a database of its own, and a database is a thousand files. Some file systems take
0.2 seconds of CPU time to create them.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_MEMORY: Final = Path("/dev/shm")

# A run of all tests on two cores takes 0.4 GB at most.
_FREE_BYTES_MIN: Final = 2**31


def open_server_folder() -> Path:
    """A new folder that the server's user may enter; `rmtree` removes it."""
    folder = Path(tempfile.mkdtemp(prefix="pgqueue-test-", dir=_parent()))
    # PostgreSQL's own user must be able to enter it when root runs the tests.
    folder.chmod(0o755)
    return folder


@contextmanager
def server_folder() -> Iterator[Path]:
    """Such a folder for a block, after which no server may use it."""
    folder = open_server_folder()
    yield folder
    shutil.rmtree(folder)


def _parent() -> Path | None:
    """The folder of such folders; None for the usual one, of temporary files."""
    if os.access(_MEMORY, os.W_OK | os.X_OK):
        system = os.statvfs(_MEMORY)
        free = system.f_bavail * system.f_frsize
        if free >= _FREE_BYTES_MIN and not system.f_flag & os.ST_NOEXEC:
            return _MEMORY
    return None
