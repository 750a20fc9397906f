"""A process that a task has started: it writes to the ledger ten times a second, and ends.

`python -m chaos.program FOLDER SECONDS JOB_ID ATTEMPT WAY` is one; a fork calls `work`.
"""

import os
import sys
import time
from pathlib import Path

from chaos.ledger import Ledger

_EVERY_SECONDS = 0.1


def work(folder: str, seconds: float, job_id: int, attempt: int, way: str) -> None:
    """Write to the ledger for *seconds*.

    Args:
        way: The task's way to start this process.
    """
    ledger = Ledger(Path(folder) / "programs.jsonl")
    line = {"job_id": job_id, "attempt": attempt, "way": way, "pid": os.getpid()}
    until = time.monotonic() + seconds
    ledger.append({**line, "step": "started"})
    while time.monotonic() < until:
        time.sleep(_EVERY_SECONDS)  # the pace of the lines
        ledger.append({**line, "step": "works"})
    ledger.append({**line, "step": "ended"})
    ledger.close()


if __name__ == "__main__":
    folder, seconds, job_id, attempt, way = sys.argv[1:]
    work(folder, float(seconds), int(job_id), int(attempt), way)
