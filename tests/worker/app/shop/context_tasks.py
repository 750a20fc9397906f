"""Tasks that read context variables as they find them, and leave them changed."""

from contextvars import ContextVar
from decimal import Decimal, getcontext
from typing import Any

from pgqueue import task

tenant: ContextVar[str] = ContextVar("tenant", default="none")
region: ContextVar[str] = ContextVar("region", default="none")

# What a module sets when it is imported is the start of every job.
region.set("import")
getcontext().prec = 7


def _read_and_change() -> list[Any]:
    found = [tenant.get(), region.get(), str(Decimal(1) / Decimal(3))]
    tenant.set("another job's")
    region.set("another job's")
    getcontext().prec = 2
    return found


@task
def in_greenlet() -> list[Any]:
    return _read_and_change()


@task(executor="asyncio")
async def in_coroutine() -> list[Any]:
    return _read_and_change()


@task(executor="process")
def in_process() -> list[Any]:
    return _read_and_change()
