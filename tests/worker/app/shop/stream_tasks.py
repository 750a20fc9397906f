"""Tasks that write to standard streams, and to files that are not theirs."""

import os
import stat
import sys
import time

from pgqueue import task


@task
def prints() -> None:
    print("hello", flush=True)
    print("hello", file=sys.stderr, flush=True)
    os.write(1, b"hello\n")
    os.read(0, 10)


@task(executor="process")
def prints_alone() -> None:
    prints.function()


@task
async def prints_in_a_coroutine() -> None:
    prints.function()


@task
def writes_to_all_sockets() -> None:
    """Write to each socket without a name, as the channel to the supervisor is one."""
    for name in os.listdir("/proc/self/fd"):
        try:
            fd = int(name)
            if stat.S_ISSOCK(os.fstat(fd).st_mode) and _is_unix_pair(fd):
                os.write(fd, b"hello\n")
        except OSError:
            pass
    time.sleep(600)


def _is_unix_pair(fd: int) -> bool:
    import socket

    with socket.socket(fileno=os.dup(fd)) as copy:
        return copy.family == socket.AF_UNIX and not copy.getsockname() and not copy.getpeername()
