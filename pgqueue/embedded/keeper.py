"""The keeper of an embedded server: waits until nobody uses it, then stops it.

A process of its own, started by `store.embedded` before the server, so that even the end of the
last user by SIGKILL leaves no server behind. Run by its path, on the standard library alone: it
stands for as long as the server does.
"""

import fcntl
import os
import signal
import sys
import time

_LOOK_SECONDS = 0.05
_PATIENCE_SECONDS = 20.0

# Fast, immediate, and by force: for each, so many seconds of patience.
_SIGNALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)


def main() -> None:
    """`embedded_keeper.py PID_FILE KEEPER USERS SERVER UID GID`: three open files, one user."""
    pid_file = sys.argv[1]
    keeper, users, server, uid, gid = map(int, sys.argv[2:])
    # The starter waits for this process, so that the keeper is no child and no zombie of its.
    if os.fork():
        os._exit(0)
    if os.geteuid() == 0:
        # The pid file is written by the server's user, who must not choose what root kills.
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    fcntl.flock(users, fcntl.LOCK_EX)
    stop(server, pid_file)
    # In this order: whoever waits for the users' lock looks next whether there is a keeper.
    os.close(keeper)
    os.close(users)


def stop(server: int, pid_file: str) -> None:
    """Signal the server until the last of its processes has let go of its lock."""
    begun = time.monotonic()
    while not _is_free(server):
        step = int((time.monotonic() - begun) / _PATIENCE_SECONDS)
        # Again and again: a server that is just starting may not have its pid file yet.
        _signal(pid_file, _SIGNALS[min(step, len(_SIGNALS) - 1)])
        time.sleep(_LOOK_SECONDS)


def _is_free(server: int) -> bool:
    try:
        fcntl.flock(server, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _signal(pid_file: str, number: int) -> None:
    try:
        with open(pid_file) as file:
            pid = int(file.readline())
        # A negative number is what PostgreSQL's single-user mode writes.
        if pid > 1:
            os.kill(pid, number)
    except (OSError, ValueError):
        pass  # not written yet, or gone meanwhile


if __name__ == "__main__":
    main()
