"""Tasks inside middleware; the middleware acts as the argument `mode` says."""

import asyncio
import time
from typing import Any

from pgqueue import current_job, task
from pgqueue.core.middleware import middleware


@middleware
def wrap(job: Any, call_next: Any) -> Any:
    mode = job.args.get("mode")
    if mode == "sleep":
        time.sleep(60)
    result = call_next()
    if mode == "raise":
        raise ValueError("raised by the middleware")
    return _result(job, result) if mode == "result" else result


@middleware
async def wrap_coroutine(job: Any, call_next: Any) -> Any:
    mode = job.args.get("mode")
    if mode == "sleep":
        await asyncio.sleep(60)
    result = await call_next()
    if mode == "raise":
        raise ValueError("raised by the middleware")
    return _result(job, result) if mode == "result" else result


def _result(job: Any, result: Any) -> dict[str, Any]:
    return {"result": result, "is_current": current_job() is job, "task": job.task}


@task
def in_greenlet(mode: str) -> str:
    return "done"


@task(executor="process")
def in_process(mode: str) -> str:
    return "done"


@task
async def in_coroutine(mode: str) -> str:
    return "done"
