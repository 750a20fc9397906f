"""A full disk: a small file system for the queue's tables."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg

from chaos.faults.fault import Facts, Step, fault
from chaos.process_guard import ProcessGuard
from chaos.server import Server
from chaos.system import System

_BYTES = 2 * 1024**3
_TABLES = ("jobs", "attempts", "logs")


@fault(weight=2, seconds=(2.0, 5.0), needs=("disk", "server"))
def fill_disk(system: System, step: Step) -> Iterator[Facts]:
    """Leave the tables no space to grow."""
    if system.disk is None:
        raise LookupError("the small file system could not be mounted")
    space = os.statvfs(system.disk)
    used = (space.f_blocks - space.f_bfree) * space.f_frsize
    _mount("remount", used, system.disk)
    yield {"used_bytes": used}
    _mount("remount", _BYTES, system.disk)


def mount(path: Path, process_guard: ProcessGuard) -> Path | None:
    """A small file system at *path*; None when mounting is not permitted."""
    path.mkdir()
    try:
        _mount("rw", _BYTES, path)
    except (OSError, subprocess.CalledProcessError):
        return None
    process_guard.add_mount(path)
    return path


def move(connection: "psycopg.Connection[object]", server: Server, path: Path) -> None:
    """Move the queue's tables to *path*."""
    user = server.cluster.user
    if user is not None:
        os.chown(path, user.uid, user.gid)
    connection.execute(f"create tablespace small location '{path}'".encode())
    for table in _TABLES:
        connection.execute(f"alter table pgqueue.{table} set tablespace small".encode())


def unmount(path: Path) -> None:
    """Unmount the file system."""
    subprocess.run(["umount", path], check=True)


def _mount(mode: str, size: int, path: Path) -> None:
    options = f"{mode},size={size}"
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", path], check=True, capture_output=True
    )
