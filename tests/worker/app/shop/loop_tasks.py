"""Greenlet tasks that run event loops of their own, at the same time."""

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.utils.asyncio import async_unsafe

from pgqueue import task


async def _numbers() -> AsyncIterator[int]:
    for number in range(5):
        await asyncio.sleep(0.05)
        yield number


async def _first_numbers() -> list[int]:
    found = []
    async for number in _numbers():
        found.append(number)
        if number == 2:
            break  # the loop closes the generator
    time.sleep(0.05)  # waits as a greenlet, in the middle of a coroutine
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        last = group.create_task(asyncio.sleep(0.05, result=3))
    assert asyncio.current_task() is not None
    return [*found, last.result()]


@async_unsafe
def _query() -> str:
    return "rows"


@task
def runs() -> Any:
    before = sys.get_asyncgen_hooks()
    numbers = asyncio.run(_first_numbers())
    return [numbers, sys.get_asyncgen_hooks() == before == (None, None)]


@task
def runs_in_a_thread() -> Any:
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.append(asyncio.run(_first_numbers())))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@task
def runs_by_asgiref() -> Any:
    async def find() -> Any:
        return [await _first_numbers(), await sync_to_async(_query)()]

    return async_to_sync(find)()


@task
def runs_no_loop() -> str:
    for _ in range(50):
        time.sleep(0.01)
        _query()
    return _query()
