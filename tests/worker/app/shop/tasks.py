"""Tasks of every kind, good and bad; they sleep because their work is to wait."""

import asyncio
import ctypes
import logging
import os
import time

import psycopg

from pgqueue import (
    CancelJob,
    JobInterrupted,
    JobTimeout,
    Retry,
    RetryJob,
    SnoozeJob,
    current_job,
    task,
)

log = logging.getLogger("shop.deep.inside")


@task
def add(a: int, b: int = 2) -> int:
    log.info("adding %s", a)
    current_job().log.warning("from the job's own logger")
    return a + b


@task
def noop(n: int) -> None: ...


@task(keep=0)
def noop_fast(n: int) -> None: ...


@task(retry=Retry(max_attempts=3, base=0.01))
def fail(n: int) -> None:
    try:
        raise KeyError("inner")
    except KeyError as error:
        raise ValueError(f"outer {n}") from error


@task(retry=Retry(max_attempts=3, base=0.01, not_on=(ValueError,)))
def fail_for_good() -> None:
    raise ValueError("never again")


@task
def exit_at_once() -> None:
    raise SystemExit(3)


@task
def nap(seconds: float) -> str:
    log.info("falls asleep")
    time.sleep(seconds)
    return "rested"


@task(timeout=1)
def sleepy() -> None:
    time.sleep(60)


@task(timeout=1)
def swallow() -> str:
    try:
        time.sleep(60)
    except BaseException:
        return "I do not care"
    return "?"


@task(timeout=1)
def spin() -> None:
    while True:
        pass


@task(timeout=1)
def stuck_on_a_lock() -> None:
    mutex = ctypes.create_string_buffer(64)
    libc = ctypes.CDLL(None)
    libc.pthread_mutex_lock(mutex)
    libc.pthread_mutex_lock(mutex)


@task(timeout=1)
def stuck_in_a_sum() -> int:
    return sum(range(10**12))


@task
async def async_nap(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "rested"


@task(timeout=1)
async def async_sleepy() -> None:
    await asyncio.sleep(60)


@task(timeout=1)
async def async_spin() -> None:
    while True:
        pass


@task(executor="process")
def count_to(n: int) -> int:
    current_job().progress(0.5, "half")
    return sum(1 for _ in range(n))


@task(executor="process", timeout=1)
def process_spin() -> None:
    while True:
        pass


@task
def die_once() -> str:
    if current_job().attempt == 1:
        os.kill(os.getpid(), 9)
    return "alive"


@task
def die_always() -> None:
    os.kill(os.getpid(), 9)


@task
async def async_die_always() -> None:
    os.kill(os.getpid(), 9)


@task(executor="process")
def process_die_always() -> None:
    os.kill(os.getpid(), 9)


@task
def read_address_zero() -> None:
    ctypes.string_at(0)


@task
def leave() -> None:
    os._exit(3)


napping: list[int] = []


@task
def nap_twice() -> None:
    if current_job().attempt <= 2:
        napping.append(current_job().id)
        time.sleep(60)


@task
def die_with_company(company: int) -> None:
    while current_job().attempt <= 2 and len(napping) < company:
        time.sleep(0.01)
    os.kill(os.getpid(), 9)


@task(delivery="at_most_once")
def once_and_dead(path: str) -> None:
    with open(path, "a") as ledger:
        ledger.write("started\n")
    os.kill(os.getpid(), 9)


@task
async def async_snooze_in_a_group() -> None:
    async def snooze() -> None:
        raise SnoozeJob(0)

    if current_job().attempt < 3:  # the first claim was by a worker of the wrong kind
        async with asyncio.TaskGroup() as group:
            group.create_task(snooze())


@task
def interrupt_itself() -> None:
    raise JobInterrupted("by the task")


@task
def interrupt_itself_in_a_group() -> None:
    raise BaseExceptionGroup("children", [JobInterrupted(), JobInterrupted()])


@task
async def async_interrupt_itself() -> None:
    async def interrupt() -> None:
        raise JobInterrupted("by a child")

    async with asyncio.TaskGroup() as group:
        group.create_task(interrupt())


@task(executor="process")
def process_interrupt_itself() -> None:
    raise JobTimeout("by the task")


@task
def snooze_once() -> str:
    if current_job().attempt == 1:
        raise SnoozeJob(delay=0)
    return "awake"


@task(retry=Retry(max_attempts=2))
def retry_once() -> str:
    if current_job().attempt == 1:
        raise RetryJob("not yet", delay=0)
    return "now"


@task
def cancel_itself() -> None:
    raise CancelJob("no longer needed")


@task
def chatty(lines: int) -> None:
    for n in range(lines):
        log.info("line %s", n)


@task
def huge_result() -> str:
    return "x" * 2_000_000


@task
def strange_result() -> object:
    return object()


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


@task
def unprintable_error() -> None:
    raise Unprintable


@task
def nul_in_error() -> None:
    raise ValueError("a\0b\ud800c")


@task
def complete_with_its_row(url: str, is_rolled_back: bool = False) -> str:
    with psycopg.connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        connection.execute("insert into effects values (1)")
        current_job().complete(connection=connection, result="written together")
        if is_rolled_back:
            raise ValueError("after all not")
    return "what it returns afterwards changes nothing"


not_a_task = os.getpid
