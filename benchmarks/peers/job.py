"""The jobs of every Python peer: they do nothing but record their start.

Runs in the environment of a peer, in its workers.
"""

import os
import time

_is_first_noop = True


def noop(n: int) -> None:
    """Do nothing; the first job of each process records its start."""
    global _is_first_noop
    if _is_first_noop:
        _is_first_noop = False
        _record_start("noop", n)


def ping(n: int) -> None:
    """Record the start."""
    _record_start("ping", n)


def _record_start(task: str, n: int) -> None:
    started_at = time.time()
    starts = os.open(os.environ["PEER_STARTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(starts, f"{task} {n} {started_at:.6f}\n".encode())
    os.close(starts)
