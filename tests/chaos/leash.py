"""Ends what a run started, however the run itself ends: also by SIGKILL.

A process of its own that reads `PID STARTED_AT` and `mount PATH` lines from the run, and acts at
the end of the file, which the kernel writes for whoever cannot.
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


class Leash:
    """Holds what is to be ended when this process is gone."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C in the terminal is for the run alone
            bufsize=0,
        )

    def hold(self, pid: int) -> None:
        """Kill this process in the end, if it is still the same one then."""
        self._write(f"{pid} {procs.started_at(pid)}")

    def hold_mount(self, path: Path) -> None:
        """Unmount this in the end."""
        self._write(f"mount {path}")

    def let_go(self) -> None:
        """It is the end: kill what is left, and wait for it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20.0)

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())


def end(lines: Iterable[str]) -> None:
    """End each thing that a line names."""
    for line in lines:
        first, _, second = line.strip().partition(" ")
        if first == "mount":
            subprocess.run(["umount", "--lazy", second], stderr=subprocess.DEVNULL)
        elif procs.started_at(int(first)) == second:
            procs.send(int(first), signal.SIGKILL)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    held = sys.stdin.readlines()
    os.chdir("/")
    end(held)
