"""A full disk, on a small file system of the run's own that holds the queue's tables."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg

from chaos.faults.fault import Facts, Step, fault
from chaos.leash import Leash
from chaos.server import Server
from chaos.world import World

_BYTES = 2 * 1024**3
_TABLES = ("jobs", "attempts", "logs")


@fault(weight=2, seconds=(2.0, 5.0), needs=("disk", "server"))
def fill_disk(world: World, step: Step) -> Iterator[Facts]:
    """Leave the tables no room to grow."""
    if world.disk is None:
        raise LookupError("no file system of its own could be mounted")
    space = os.statvfs(world.disk)
    used = (space.f_blocks - space.f_bfree) * space.f_frsize
    _mount("remount", used, world.disk)
    yield {"used_bytes": used}
    _mount("remount", _BYTES, world.disk)


def mount(path: Path, leash: Leash) -> Path | None:
    """A small file system at *path*; None where we may not mount one."""
    path.mkdir()
    try:
        _mount("rw", _BYTES, path)
    except (OSError, subprocess.CalledProcessError):
        return None
    leash.hold_mount(path)
    return path


def move(connection: "psycopg.Connection[object]", server: Server, path: Path) -> None:
    """Put the queue's tables there."""
    user = server.cluster.user
    if user is not None:
        os.chown(path, user.uid, user.gid)
    connection.execute(f"create tablespace small location '{path}'".encode())
    for table in _TABLES:
        connection.execute(f"alter table pgqueue.{table} set tablespace small".encode())


def unmount(path: Path) -> None:
    """Give the file system up."""
    subprocess.run(["umount", path], check=True)


def _mount(how: str, size: int, path: Path) -> None:
    options = f"{how},size={size}"
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", path], check=True, capture_output=True
    )
