"""A result that stands for work which is not done fails the attempt, wherever it lies in it."""

import asyncio
import itertools
import re
import types
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from multiprocessing.pool import ThreadPool
from typing import Any

import gevent
import gevent.event
import pytest

from pgqueue.core.values.result import encode_result, salvage_result


async def send() -> None: ...


def sends() -> Iterator[int]:
    yield 1


async def asends() -> AsyncIterator[int]:
    yield 1


@types.coroutine
def old_send() -> Iterator[int]:
    yield 1


class Query:
    """Runs when it is awaited, as the queries of some libraries do."""

    def __await__(self) -> Iterator[None]:
        yield


@dataclass
class Report:
    """A result with a field that may hold anything."""

    value: Any


async def future() -> Any:
    return asyncio.get_running_loop().create_future()


async def running_task() -> Any:
    return asyncio.ensure_future(send())


async def gathered() -> Any:
    return asyncio.gather(send())


def pool_result() -> Any:
    with ThreadPool(1) as pool:
        return pool.map_async(str, [1])


def pool_iterator() -> Any:
    with ThreadPool(1) as pool:
        return pool.imap(str, [1])


UNFINISHED = {
    "coroutine": send,
    "generator": sends,
    "old coroutine": old_send,
    "async generator": asends,
    "awaitable": Query,
    "asyncio future": lambda: asyncio.run(future()),
    "asyncio task": lambda: asyncio.run(running_task()),
    "gathered": lambda: asyncio.run(gathered()),
    "future": Future,
    "map": lambda: map(print, [1]),
    "filter": lambda: filter(print, [1]),
    "starmap": lambda: itertools.starmap(print, [(1,)]),
    "chain": lambda: itertools.chain(sends()),
    "greenlet": lambda: gevent.spawn(print),
    "gevent result": gevent.event.AsyncResult,
    "pool result": pool_result,
    "pool iterator": pool_iterator,
}


@pytest.mark.parametrize("kind", UNFINISHED)
def test_unfinished_work_is_no_result(kind: str) -> None:
    with pytest.raises(TypeError, match=r"^The job did not succeed: result is an? "):
        salvage_result(UNFINISHED[kind]())


@pytest.mark.parametrize(
    ("wrap", "path"),
    [
        (lambda value: [1, value], "result[1]"),
        (lambda value: {"rows": (value,)}, "result.rows[0]"),
        (lambda value: Report([value]), "result.value[0]"),
    ],
    ids=["list", "dict", "dataclass"],
)
@pytest.mark.parametrize("kind", ["coroutine", "generator", "future"])
def test_unfinished_work_inside_a_result_is_named_by_its_path(
    kind: str, wrap: Any, path: str
) -> None:
    with pytest.raises(TypeError, match=re.escape(f": {path} is a ")):
        encode_result(wrap(UNFINISHED[kind]()))


def test_each_coroutine_of_a_list_is_closed_without_a_warning(
    recwarn: pytest.WarningsRecorder,
) -> None:
    with pytest.raises(TypeError, match="nothing awaited it"):
        salvage_result([send(), {"more": send()}])

    assert [] == recwarn.list


def test_an_iterator_that_holds_no_work_is_replaced() -> None:
    assert salvage_result([iter([1]), itertools.count()]).problem is not None
