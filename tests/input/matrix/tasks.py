"""Tasks that hold a value in their hands, and put it where a worker has to deal with it."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matrix.values import NAMED
from pgqueue import current_job, task

log = logging.getLogger("matrix")


@task
def keep(value: Any) -> None:
    """Take any value."""


def as_result(value: Any) -> Any:
    """Return it."""
    return value


def as_error(value: Any) -> None:
    """Raise it, or an error that holds it."""
    raise value if isinstance(value, BaseException) else ValueError(value)


def as_log(value: Any) -> None:
    """Log it, alone and in a sentence."""
    log.info(value)
    log.info("this is %s", value)


def as_progress(value: Any) -> None:
    """Tell of it as progress."""
    current_job().progress(0.5, value)


PUT: dict[str, Callable[[Any], Any]] = {
    each.__name__: each for each in (as_result, as_error, as_log, as_progress)
}


@task
def in_a_greenlet(place: str, value: str) -> Any:
    """Put the value of that name there."""
    return PUT[place](NAMED[value].make())


@task
async def in_a_coroutine(place: str, value: str) -> Any:
    """Put the value of that name there."""
    return PUT[place](NAMED[value].make())


@task(executor="process")
def in_a_process(place: str, value: str) -> Any:
    """Put the value of that name there."""
    return PUT[place](NAMED[value].make())


@task
def healthy_greenlet(n: int) -> int:
    """Stand beside the others."""
    return n


@task
async def healthy_coroutine(n: int) -> int:
    """Stand beside the others."""
    return n


@task(executor="process")
def healthy_process(n: int) -> int:
    """Stand beside the others."""
    return n


@task
def flood(lines: int) -> None:
    """Log and log."""
    for n in range(lines):
        log.info("line %s", n)


@task
def giant_line(characters: int) -> None:
    """Log one line, alone and in a sentence."""
    line = "n" * characters
    log.info(line)
    log.info("this is %s", line)


@task
def peak_bytes() -> int:
    """Tell the most memory that this process ever held."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024
