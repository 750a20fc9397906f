"""Ends the processes and mounts of a run, even if the run is killed by SIGKILL.

The guard is a process of its own. It reads lines `PID STARTED_AT` and `mount PATH` from the run,
and acts at the end of the file. The kernel closes the pipe of a killed run.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from chaos import procs


class ProcessGuard:
    """Knows the processes and mounts to end when this process is gone."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in the terminal must end the run alone
            bufsize=0,
        )

    def add(self, pid: int) -> None:
        """Kill this process at the end, unless its id belongs to another process then."""
        self._write(f"{pid} {procs.started_at(pid)}")

    def add_mount(self, path: Path) -> None:
        """Unmount this path at the end."""
        self._write(f"mount {path}")

    def release(self) -> None:
        """End all remaining processes and mounts now, and wait for that."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20.0)

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())


def end(lines: Iterable[str]) -> None:
    """End the process or mount of each line."""
    for line in lines:
        first, _, second = line.strip().partition(" ")
        if first == "mount":
            subprocess.run(["umount", "--lazy", second], stderr=subprocess.DEVNULL)
        elif procs.started_at(int(first)) == second:
            procs.send(int(first), signal.SIGKILL)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    lines = sys.stdin.readlines()
    os.chdir("/")
    end(lines)
