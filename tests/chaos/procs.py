"""Processes, as /proc shows them."""

import os
import signal
from pathlib import Path

_PROC = Path("/proc")


def children(pid: int) -> list[int]:
    """Process ids of the children of a process, lowest first."""
    return sorted(
        int(entry.name)
        for entry in _PROC.iterdir()
        if entry.name.isdigit() and _parent(int(entry.name)) == pid
    )


def started_at(pid: int) -> str | None:
    """The start of a process in the kernel's ticks; with the id it is unique."""
    fields = _stat(pid)
    return fields[19] if fields else None


def lives(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    fields = _stat(pid)
    return bool(fields) and fields[0] != "Z"


def send(pid: int, number: signal.Signals) -> bool:
    """Send a signal; False when the process is gone."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _parent(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[1]) if fields else None


def _stat(pid: int) -> list[str]:
    # The second field is the name in brackets, which may contain any character.
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
