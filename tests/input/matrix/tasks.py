"""Tasks that make a value, and pass it to their worker in several ways."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matrix.values import NAMED
from pgqueue import current_job, task

log = logging.getLogger("matrix")


@task
def keep(value: Any) -> None:
    """Accept any value."""


def as_result(value: Any) -> Any:
    """Return the value."""
    return value


def as_error(value: Any) -> None:
    """Raise the value, or an error that contains it."""
    raise value if isinstance(value, BaseException) else ValueError(value)


def as_log(value: Any) -> None:
    """Log the value, alone and in a sentence."""
    log.info(value)
    log.info("this is %s", value)


def as_progress(value: Any) -> None:
    """Set the value as the message of progress."""
    current_job().progress(0.5, value)


PUT: dict[str, Callable[[Any], Any]] = {
    function.__name__: function for function in (as_result, as_error, as_log, as_progress)
}


@task
def in_a_greenlet(target: str, value: str) -> Any:
    """Use the value of this name in this way."""
    return PUT[target](NAMED[value].make())


@task
async def in_a_coroutine(target: str, value: str) -> Any:
    """Use the value of this name in this way."""
    return PUT[target](NAMED[value].make())


@task(executor="process")
def in_a_process(target: str, value: str) -> Any:
    """Use the value of this name in this way."""
    return PUT[target](NAMED[value].make())


@task
def healthy_greenlet(n: int) -> int:
    """Succeed beside the other jobs."""
    return n


@task
async def healthy_coroutine(n: int) -> int:
    """Succeed beside the other jobs."""
    return n


@task(executor="process")
def healthy_process(n: int) -> int:
    """Succeed beside the other jobs."""
    return n


@task
def flood(lines: int) -> None:
    """Log *lines* lines."""
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
    """The peak memory of this process, in bytes."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024
