"""The outside effects of a task: a line in the ledger at its start, and one at its end."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from chaos.ledger import Ledger
from pgqueue import current_job
from pgqueue.core.job_context import JobContext

FOLDER = "CHAOS_LEDGER"
URL = "CHAOS_URL"

# Empty in a worker. The main thread of a fork adds the attempt whose code goes on there.
_forked: set[tuple[int, int]] = set()


@contextmanager
def effect(key: str) -> Iterator[JobContext]:
    """The running job; the block is its effect."""
    job = current_job()
    _record(key, job, "started")
    try:
        yield job
    except BaseException as error:
        _record(key, job, type(error).__name__)
        raise
    _record(key, job, "done")


def url() -> str:
    """The database for tasks that write rows of their own."""
    return os.environ[URL]


def enter_fork(job: JobContext) -> None:
    """In a fork, go on with the code of this job, which has no effects there.

    The effects of any other job would be recorded, with the process id of the fork.
    """
    _forked.add((job.id, job.attempt))


def _record(key: str, job: JobContext, step: str) -> None:
    if (job.id, job.attempt) in _forked:
        return
    _ledger().append(
        {"key": key, "job_id": job.id, "attempt": job.attempt, "pid": os.getpid(), "step": step}
    )


@cache
def _ledger() -> Ledger:
    return Ledger(Path(os.environ[FOLDER]) / "effects.jsonl", durable=True)
