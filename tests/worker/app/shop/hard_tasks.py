"""Tasks that behave badly or unusually while they end."""

import asyncio
import ctypes
import gc
import itertools
import os
import time
from pathlib import Path

import psycopg

from pgqueue import Retry, RetryJob, current_job, task
from pgqueue.process import scoreboard as scoreboard_module
from pgqueue.process.scoreboard import Scoreboard
from pgqueue.worker.in_flight import InFlight


@task
def odd_progress() -> None:
    current_job().progress(0.5, "a\0b\ud800c" + "x" * 5_000)
    time.sleep(1)


def _fail_late() -> None:
    # All of it runs in C, where no signal is handled, to the error at its end.
    max(itertools.chain(range(20_000_000), [None]))


@task(timeout=0.05)
def fails_late() -> None:
    _fail_late()


@task(timeout=0.05, executor="process")
def fails_late_alone() -> None:
    _fail_late()


@task(timeout=0.05)
async def fails_late_in_a_coroutine() -> None:
    _fail_late()


class RateLimited(RetryJob):
    """Never calls RetryJob's own __init__."""

    def __init__(self, response: str) -> None:
        self.response = response


@task(retry=Retry(max_attempts=2, base=0.01))
def subclassed_retry() -> None:
    raise RateLimited("429")


class Spiteful(Exception):
    """Raises in every method that describes it."""

    @property
    def __notes__(self) -> list[str]:
        raise RuntimeError("no notes")

    def __str__(self) -> str:
        raise RuntimeError("do not read")


@task
def spiteful() -> None:
    raise Spiteful


@task
def cleans_up_badly() -> None:
    try:
        time.sleep(60)
    except BaseException as error:
        raise ValueError("the clean-up failed") from error


@task
def cleans_up_slowly(path: str) -> None:
    try:
        time.sleep(60)
    finally:
        for step in range(4):
            time.sleep(0.25)
            with Path(path).open("a") as ledger:
                ledger.write(f"{step}\n")


@task
async def waits_in_a_group() -> None:
    async with asyncio.TaskGroup():
        await asyncio.sleep(60)


@task
async def waits_for_its_group(path: str) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(_live(path))


async def _live(path: str) -> None:
    Path(path).write_text("lives")
    try:
        await asyncio.sleep(60)
    finally:
        Path(path).write_text("ended")


@task
def completes(url: str, lines: int, size: int, seconds: float) -> None:
    job = current_job()
    with psycopg.connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        for n in range(lines):
            job.log.info("line %s", n)
        job.progress(0.5, "half")
        job.complete(connection=connection, result="x" * size)
        time.sleep(seconds)


@task
async def completes_on_asyncio(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await current_job().acomplete(connection=connection, result="together")


@task(executor="process", delivery="at_most_once")
def once(n: int) -> None: ...


@task(timeout=2)
def short_nap(seconds: float) -> None:
    time.sleep(seconds)


@task(timeout=2)
def stuck() -> int:
    return sum(range(10**12))


@task(timeout=60)
def long_call(seconds: int) -> None:
    ctypes.PyDLL(None).sleep(seconds)


@task(timeout=1)
def quick() -> None: ...


@task(retry=Retry(max_attempts=2))
def completes_late(url: str, folder: str) -> None:
    """In its first attempt, wait for a file before completing, and write which error came."""
    attempt = current_job().attempt
    with psycopg.connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        connection.execute("insert into public.effects values (%s)", [attempt])
        try:
            while attempt == 1 and not Path(folder, "go on").exists():
                Path(folder, "waits").touch()
                time.sleep(0.02)
            current_job().complete(connection=connection)
        except BaseException as error:
            Path(folder, "error").write_text(type(error).__name__)
            raise


@task
def spin_until(path: str) -> str:
    """Keep the main thread until there is such a file."""
    while not os.path.exists(path):
        pass
    return "spun"


@task
def nap_until(path: str) -> str:
    """Let others run until there is such a file."""
    while not os.path.exists(path):
        time.sleep(0.02)
    return "rested"


@task(executor="asyncio")
async def async_spin_until(path: str) -> str:
    return spin_until.function(path)


@task
def stand_still() -> str:
    """Show a last turn of the fetcher long ago, and end when the worker has to stop."""
    gc.unfreeze()  # the collector does not list what a worker has frozen at its start
    [scoreboard] = [thing for thing in gc.get_objects() if type(thing) is Scoreboard]
    InFlight.record_turn = lambda self: None
    # The supervisor acts after minutes without a turn, which the test need not wait for.
    scoreboard._times[scoreboard_module._TURNED] = 1e-9
    while not current_job().should_stop():
        time.sleep(0.01)
    return "whole"


@task(delivery="at_most_once")
def greet_once(path: str) -> None:
    with open(path, "a") as file:
        file.write("hello\n")


@task(delivery="at_most_once", executor="asyncio")
async def async_greet_once(path: str) -> None:
    greet_once.function(path)
