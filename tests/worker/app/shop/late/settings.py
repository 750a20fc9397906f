"""A module that is imported in its first job, and sets context variables for all its jobs."""

from contextvars import ContextVar
from decimal import Decimal, getcontext

from pgqueue import task

region: ContextVar[str] = ContextVar("region", default="none")
region.set("import")
getcontext().prec = 9


@task
def read_and_change() -> list[str]:
    found = [region.get(), str(Decimal(1) / Decimal(3))]
    region.set("another job's")
    getcontext().prec = 2
    return found
