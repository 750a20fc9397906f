"""What a task leaves in the outside world: a line where it begins, and one where it ends."""

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
    """The running job; its body is the effect."""
    job = current_job()
    _tell(key, job, "begun")
    try:
        yield job
    except BaseException as error:
        _tell(key, job, type(error).__name__)
        raise
    _tell(key, job, "done")


def url() -> str:
    """Where tasks that write rows of their own connect to."""
    return os.environ[URL]


def _tell(key: str, job: JobContext, step: str) -> None:
    _ledger().append(
        {"key": key, "job_id": job.id, "attempt": job.attempt, "pid": os.getpid(), "step": step}
    )


@cache
def _ledger() -> Ledger:
    return Ledger(Path(os.environ[FOLDER]) / "effects.jsonl", durable=True)
