"""Processes, as /proc shows them."""

import os
import signal
from pathlib import Path

_PROC = Path("/proc")


def children(pid: int) -> list[int]:
    """Process ids of the children of a process, lowest first."""
    return sorted(child for child in every() if parent(child) == pid)


def parent(pid: int) -> int | None:
    """The process id of its parent; None when the process is gone."""
    fields = _stat(pid)
    return int(fields[1]) if fields else None


def started_by_tasks(worker_pid: int) -> list[int]:
    """Process ids of the session of a worker, without the worker."""
    members = (pid for pid in every() if pid != worker_pid and lives(pid))
    return sorted(pid for pid in members if session(pid) == worker_pid)


def every() -> list[int]:
    """The process ids of all processes."""
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]


def started_at(pid: int) -> str | None:
    """The start of a process in the kernel's ticks; with the id it is unique."""
    fields = _stat(pid)
    return fields[19] if fields else None


def lives(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    fields = _stat(pid)
    return bool(fields) and fields[0] != "Z"


def is_stopped(pid: int) -> bool:
    """Whether SIGSTOP holds a process."""
    fields = _stat(pid)
    return bool(fields) and fields[0] == "T"


def session(pid: int) -> int | None:
    """The process id of the leader of its session; None when the process is gone."""
    fields = _stat(pid)
    return int(fields[3]) if fields else None


def environment(pid: int) -> list[str]:
    """The variables at the start of its program, as NAME=VALUE; none when the process is gone."""
    return _text(pid, "environ").split("\0")


def command(pid: int) -> str:
    """Its arguments; empty when the process is gone."""
    return _text(pid, "cmdline").replace("\0", " ").strip()


def send(pid: int, number: signal.Signals) -> bool:
    """Send a signal; False when the process is gone."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _stat(pid: int) -> list[str]:
    # The second field is the name in brackets, which may contain any character.
    return _text(pid, "stat").rpartition(")")[2].split()


def _text(pid: int, name: str) -> str:
    try:
        return (_PROC / str(pid) / name).read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""
