"""The session of a worker: the worker, and all processes that its tasks have started.

A worker leads a session of its own. A process that a task starts belongs to it, unless the process
begins another session. So the session tells what must end with the worker.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")

# It removes the shared memory that killed processes leave, and then ends by itself.
_RESOURCE_TRACKER = b"multiprocessing.resource_tracker"

# A process may start another one while this one reads the list; then the list is read again.
_READS_MAX = 20


def end_session(leader: int) -> None:
    """Kill the processes of a session, but for its leader and the current process.

    Args:
        leader: The process id of the leader, which is not reaped yet: its id may have another
            meaning afterwards.
    """
    if not _PROC.joinpath("self", "stat").exists():
        if leader != os.getpid():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(leader, signal.SIGKILL)
        return
    for _ in range(_READS_MAX):
        members = list(_members(leader))
        for pid in members:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not members:
            return


def _members(leader: int) -> Iterator[int]:
    for entry in os.listdir(_PROC):
        if not entry.isdigit() or int(entry) in (leader, os.getpid()):
            continue
        with suppress(OSError):  # it has ended meanwhile
            # The second field is the name in brackets, which may contain any character.
            stat = _PROC.joinpath(entry, "stat").read_bytes().rpartition(b")")[2].split()
            state, session = stat[0], int(stat[3])
            if session != leader or state in (b"Z", b"X"):
                continue
            if _RESOURCE_TRACKER not in _PROC.joinpath(entry, "cmdline").read_bytes():
                yield int(entry)
