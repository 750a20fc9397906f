"""Tasks that leave something behind when they return."""

import asyncio
import atexit
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

from pgqueue import task

_OPEN: list[object] = []


@task
def leaves(what: str) -> None:
    match what:
        case "thread":
            threading.Thread(target=time.sleep, args=(600,)).start()
        case "pool":
            from concurrent.futures import ThreadPoolExecutor

            pool = ThreadPoolExecutor(1)
            pool.submit(time.sleep, 600)
            _OPEN.append(pool)
        case "atexit":
            atexit.register(time.sleep, 600)
        case "process":
            import multiprocessing

            multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,)).start()


@task(executor="process")
def leaves_alone(what: str) -> None:
    leaves.function(what)


@task
async def leaves_in_a_loop(what: str) -> None:
    match what:
        case "call":
            asyncio.get_running_loop().run_in_executor(None, time.sleep, 600)
            await asyncio.sleep(0.1)
        case "generator":
            generator = _never_closes()
            await anext(generator)
            _OPEN.append(generator)
        case "task":
            _OPEN.append(asyncio.create_task(_never_ends()))
            await asyncio.sleep(0)
        case _:
            leaves.function(what)


async def _never_closes() -> AsyncIterator[int]:
    try:
        yield 1
    finally:
        await asyncio.sleep(600)


async def _never_ends() -> None:
    while True:
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            pass


@task(executor="process")
def writes_at_exit(path: str) -> None:
    """A function of `atexit` runs at the end of the worker, and printed text is flushed."""
    print("printed", flush=False)
    atexit.register(Path(path).write_text, "ran")
