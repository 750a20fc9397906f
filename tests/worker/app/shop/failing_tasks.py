"""Tasks that end in every way, for each kind of worker."""

import logging
import time

from pgqueue import CancelJob, Retry, SnoozeJob, current_job, task

# A KeyError is final, a ValueError and a timeout are retried once.
_ONCE_MORE = Retry(2, base=0, jitter=False, on=ValueError)


def _end(mode: str) -> str:
    job = current_job()
    if mode == "raise":
        raise KeyError("y")
    if mode == "retry" and job.attempt == 1:
        raise ValueError("first")
    if mode == "sleep" and job.attempt == 1:
        time.sleep(60)
    if mode == "snooze" and job.attempt == 1:
        raise SnoozeJob(0)
    if mode == "cancel":
        raise CancelJob("unwanted")
    if mode == "log":
        job.log.warning("by the job")
        logging.getLogger("shop.library").warning("by a library", extra={"attempt": "mine"})
    return "done"


@task(retry=_ONCE_MORE)
def in_greenlet(mode: str) -> str:
    return _end(mode)


@task(executor="process", retry=_ONCE_MORE)
def in_process(mode: str) -> str:
    return _end(mode)


@task(retry=_ONCE_MORE)
async def in_coroutine(mode: str) -> str:
    return _end(mode)
