"""Tasks that start a process by each start method; the default is forkserver since Python 3.14."""

import multiprocessing
import sys

from pgqueue import task


def leave(code: int) -> None:
    """The program of the child."""
    sys.exit(code)


def _start(method: str | None) -> int | None:
    process = multiprocessing.get_context(method).Process(target=leave, args=(7,))
    process.start()
    process.join(30)
    return process.exitcode


@task
def in_greenlet(method: str | None) -> int | None:
    return _start(method)


@task(executor="process")
def in_process(method: str | None) -> int | None:
    return _start(method)


@task
async def in_coroutine(method: str | None) -> int | None:
    return _start(method)
