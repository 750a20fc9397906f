"""The keeper of an embedded server: a process that waits for the last user's end, then stops it.

`embedded.server` starts the keeper before the server, so that no server is left behind even when
SIGKILL ends the last user. The keeper is run by its path, on the standard library alone: it lives
as long as the server, and should be small.
"""

import fcntl
import os
import signal
import sys
import time

_POLL_SECONDS = 0.05
_STEP_SECONDS = 20.0

# Fast shutdown, immediate shutdown, and the end by force: each gets `_STEP_SECONDS`.
_SIGNALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)


def main() -> None:
    """`keeper.py PID_FILE KEEPER USERS SERVER UID GID`: the numbers of three open lock files."""
    pid_file = sys.argv[1]
    keeper, users, server, uid, gid = map(int, sys.argv[2:])
    # The starter waits for this parent only. The child is the keeper: no process has to wait for
    # it, so it leaves no zombie.
    if os.fork():
        os._exit(0)
    if os.geteuid() == 0:
        # The server's user writes the pid file, and must not choose a process for root to kill.
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    fcntl.flock(users, fcntl.LOCK_EX)
    stop(server, pid_file)
    # In this order: a starter that gets the users' lock checks next whether a keeper lives.
    os.close(keeper)
    os.close(users)


def stop(server: int, pid_file: str) -> None:
    """Signal the server until its last process has released the lock."""
    began_at = time.monotonic()
    while not _is_free(server):
        step = int((time.monotonic() - began_at) / _STEP_SECONDS)
        # Repeated: a server that is just starting may have no pid file yet.
        _signal(pid_file, _SIGNALS[min(step, len(_SIGNALS) - 1)])
        time.sleep(_POLL_SECONDS)


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
        # PostgreSQL's single-user mode writes a negative number.
        if pid > 1:
            os.kill(pid, number)
    except (OSError, ValueError):
        pass  # the file is not written yet, or the process has ended


if __name__ == "__main__":
    main()
