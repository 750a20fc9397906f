"""Tasks that end what their neighbours stand on: the event loop, its tasks, the main greenlet."""

import asyncio
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import gevent

from pgqueue import task


async def _until(path: str) -> str:
    while not os.path.exists(path):
        await asyncio.sleep(0.02)
    return "rested"


@task
async def rests(path: str) -> str:
    """Wait for a file, in ways that a cancellation would break."""
    Path(f"{path}.rests").touch()
    async with asyncio.timeout(600), asyncio.TaskGroup() as group:
        child = group.create_task(_until(path))
        [found] = await asyncio.gather(_until(path))
    return found if child.result() == found else "nothing"


@task
async def exits_in_a_child() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(_exit())
        await asyncio.sleep(60)


async def _exit() -> None:
    sys.exit(3)


@task
async def exits_soon() -> None:
    asyncio.get_running_loop().call_soon(sys.exit, 3)
    await asyncio.sleep(0.1)


@task
async def interrupts_in_a_callback() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    asyncio.get_running_loop().call_later(0.01, interrupt)
    await asyncio.sleep(0.1)


@task
async def exits_in_a_handler() -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: sys.exit(3))
    loop.call_exception_handler({"message": "boom"})


@task
async def stops_the_loop() -> None:
    asyncio.get_running_loop().stop()
    await asyncio.sleep(0.1)


@task
async def cancels_all() -> None:
    child = asyncio.ensure_future(asyncio.sleep(60))
    others = asyncio.all_tasks() - {asyncio.current_task()}  # type: ignore[arg-type]
    for other in others:
        other.cancel()
    await asyncio.sleep(0.1)
    assert others == {child} and child.cancelled()


@task
async def cancels_all_and_itself() -> None:
    for other in asyncio.all_tasks():
        other.cancel()
    await asyncio.sleep(60)


@task(timeout=0.5)
async def waits_for_all() -> Any:
    """A timeout would cancel everything that it waits for."""
    others = asyncio.all_tasks() - {asyncio.current_task()}  # type: ignore[arg-type]
    return await asyncio.gather(*others)


@task
async def cancels_all_later() -> None:
    """Leave a task behind that cancels all others."""

    async def cancel() -> None:
        for other in asyncio.all_tasks() - {asyncio.current_task()}:  # type: ignore[arg-type]
            other.cancel()

    asyncio.get_running_loop().call_later(0.01, lambda: asyncio.ensure_future(cancel()))


@task
async def cancels_all_from_a_thread() -> None:
    loop = asyncio.get_running_loop()

    def cancel() -> None:
        for other in asyncio.all_tasks(loop):
            loop.call_soon_threadsafe(other.cancel)

    thread = threading.Thread(target=cancel)
    thread.start()
    thread.join()
    await asyncio.sleep(0.1)


@task
async def cancels_itself() -> None:
    asyncio.current_task().cancel()  # type: ignore[union-attr]
    await asyncio.sleep(60)


@task
def rests_in_a_greenlet(path: str) -> str:
    Path(f"{path}.rests").touch()
    while not os.path.exists(path):
        time.sleep(0.02)
    return "rested"


@task
def exits_in_a_greenlet() -> None:
    gevent.spawn(sys.exit, 3)
    time.sleep(0.1)


@task
def interrupts_in_a_greenlet() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    gevent.spawn_later(0.01, interrupt)
    time.sleep(0.1)
