"""What the jobs of every Python peer do: nothing, except for telling when they start.

Runs in the environment of a peer, in its workers.
"""

import os
import time

_tells_noop = True


def noop(n: int) -> None:
    """Do nothing; the first one of each process tells its start."""
    global _tells_noop
    if _tells_noop:
        _tells_noop = False
        _tell("noop", n)


def ping(n: int) -> None:
    """Tell the start."""
    _tell("ping", n)


def _tell(task: str, n: int) -> None:
    started_at = time.time()
    starts = os.open(os.environ["PEER_STARTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(starts, f"{task} {n} {started_at:.6f}\n".encode())
    os.close(starts)
