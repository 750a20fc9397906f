"""A task in a pickle, in a copy and in the child of a pool is the task itself."""

import asyncio
import copy
import functools
import multiprocessing
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from pgqueue import Retry, task

ROOT = Path(__file__).parents[2]

SHOP = """
import functools
import pgqueue

@pgqueue.task
def double(n): return 2 * n

@pgqueue.task(name="shop.half")
async def half(n): return n / 2

def make(factor):
    @pgqueue.task(name=f"shop.times_{factor}")
    def times(n): return factor * n
    return times

by_factor = {factor: make(factor) for factor in (3, 4)}

class Shop:
    @staticmethod
    @pgqueue.task
    def count(n): return n + 1

def add_log(function):
    @functools.wraps(function)
    def wrapper(n): return function(n)
    return wrapper

@add_log
@pgqueue.task(name="shop.wrapped")
def wrapped(n): return n
"""

MAIN = """
import multiprocessing, pgqueue

@pgqueue.task
def double(n): return 2 * n

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(double, [1, 2]))
"""


@pytest.fixture
def shop(project, monkeypatch, own_registry, tmp_path):
    project(shop=SHOP)
    monkeypatch.syspath_prepend(tmp_path)
    import shop

    return shop


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "find",
    [
        lambda shop: shop.double,
        lambda shop: shop.half,
        lambda shop: shop.by_factor[3],
        lambda shop: shop.by_factor[4],
        lambda shop: shop.Shop.count,
        lambda shop: shop.wrapped.__wrapped__,
    ],
    ids=["bare", "named", "factory", "factory2", "static", "wrapped"],
)
def test_a_task_is_read_from_its_pickle(shop, find, protocol):
    made = find(shop)

    assert made is pickle.loads(pickle.dumps(made, protocol))
    assert made is pickle.loads(pickle.dumps(functools.partial(made, 1), protocol)).func
    assert made is copy.copy(made) is copy.deepcopy({"task": made})["task"]
    assert made == pickle.loads(pickle.dumps(made.enqueue, protocol)).__self__


def test_a_call_is_read_from_its_pickle(shop):
    call = shop.double.using(priority=7, retry=Retry(max_attempts=3))

    read = pickle.loads(pickle.dumps(call))

    assert (call._task, call._pattern) == (read._task, read._pattern)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_pool_maps_a_task(shop, method):
    context = multiprocessing.get_context(method)

    with ProcessPoolExecutor(1, mp_context=context) as pool:
        assert [2, 4] == list(pool.map(shop.double, [1, 2]))
        assert [3, 6] == list(pool.map(functools.partial(shop.by_factor[3]), [1, 2]))


def test_a_pool_maps_a_task_of_a_script(tmp_path):
    tmp_path.joinpath("script.py").write_text(MAIN)
    command = [sys.executable, "script.py"]

    ended = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )

    assert ("[2, 4]\n", "") == (ended.stdout, ended.stderr)


def test_a_task_that_was_replaced_is_copied_and_not_pickled():
    def make():
        @task(name="local")
        def local(): ...

        return local

    former, latest = make(), make()

    assert former is copy.deepcopy(former)
    assert latest is pickle.loads(pickle.dumps(latest))
    with pytest.raises(pickle.PicklingError, match="<Task local>"):
        pickle.dumps(former)


def test_an_async_task_of_a_pickle_runs(shop):
    assert 4 == asyncio.run(pickle.loads(pickle.dumps(shop.half))(8))
