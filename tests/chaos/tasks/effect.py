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


def _record(key: str, job: JobContext, step: str) -> None:
    _ledger().append(
        {"key": key, "job_id": job.id, "attempt": job.attempt, "pid": os.getpid(), "step": step}
    )


@cache
def _ledger() -> Ledger:
    return Ledger(Path(os.environ[FOLDER]) / "effects.jsonl", durable=True)
