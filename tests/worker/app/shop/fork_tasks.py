"""Tasks that fork, and neighbours that show in which process each of their steps ran."""

import asyncio
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from pgqueue import current_job, task

_LOCK = threading.Lock()


def _write(path: str, text: str) -> None:
    with Path(path).open("a") as ledger:
        ledger.write(f"{text} {os.getpid()}\n")


@task
def steps(path: str) -> None:
    try:
        for step in range(15):
            time.sleep(0.1)
            _write(path, f"{current_job().id} {step}")
    finally:
        _write(path, f"{current_job().id} end")


@task
async def async_steps(path: str) -> None:
    try:
        for step in range(15):
            await asyncio.sleep(0.1)
            _write(path, f"{current_job().id} {step}")
    finally:
        _write(path, f"{current_job().id} end")


@task
def waits_for_the_lock(path: str) -> None:
    with _LOCK:
        _write(path, f"{current_job().id} 0")


def _leave(how: str) -> None:
    current_job().log.info("in the fork")
    current_job().progress(0.5, "in the fork")
    if how == "exit":
        sys.exit(3)
    if how == "error":
        raise ValueError("in the fork")


@task
def forks(how: str) -> int:
    """The exit code of a fork, which lets its neighbours run if they can."""
    with _LOCK:
        pid = os.forkpty()[0] if how == "pty" else os.fork()
        if pid == 0:
            time.sleep(0.4)
    if pid == 0:
        time.sleep(0.1)
        _leave(how)
        return 0
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@task(executor="process")
def forks_alone(how: str) -> int:
    return forks.function(how)


@task
async def forks_in_a_coroutine(how: str) -> int:
    """The same, from a coroutine or from a child of it."""
    pid = os.fork()
    if pid == 0:
        time.sleep(0.3)
        if how == "await":
            await asyncio.sleep(0)
        if how == "child":
            await _exits()
        _leave(how)
        return 0
    return os.waitstatus_to_exitcode((await asyncio.to_thread(os.waitpid, pid, 0))[1])


async def _exits() -> None:
    sys.exit(3)


@task
async def forks_in_a_group() -> int:
    """A child of a group forks, and ends the fork."""
    async with asyncio.TaskGroup() as group:
        child = group.create_task(_fork_and_exit())
    return os.waitstatus_to_exitcode((await asyncio.to_thread(os.waitpid, child.result(), 0))[1])


async def _fork_and_exit() -> int:
    pid = os.fork()
    if pid == 0:
        sys.exit(3)
    return pid


@task
def spawns_a_greenlet_that_forks() -> int:
    import gevent

    pid = gevent.spawn(_fork_and_sleep).get()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _fork_and_sleep() -> int:
    pid = os.fork()
    if pid == 0:
        time.sleep(0.3)
    return pid


@task
def starts_a_process(method: str) -> int:
    context: Any = multiprocessing.get_context(method)
    process = context.Process(target=_nap_and_exit)
    process.start()
    process.join()
    return process.exitcode or 0


@task(executor="process")
def starts_a_process_alone(method: str) -> int:
    return starts_a_process.function(method)


@task
async def starts_a_process_in_a_coroutine(method: str) -> int:
    context: Any = multiprocessing.get_context(method)
    process = context.Process(target=_nap_and_exit)
    process.start()
    while process.is_alive():
        await asyncio.sleep(0.05)
    return process.exitcode or 0


def _nap_and_exit() -> None:
    time.sleep(0.3)
    sys.exit(3)


@task
def runs_a_program(path: str) -> str:
    """Its output; the fork that becomes the program runs a function first."""
    program = ["sh", "-c", "sleep 0.3; echo done"]
    ran = subprocess.run(program, preexec_fn=lambda: _write(path, "before"), capture_output=True)
    return ran.stdout.decode().strip()


@task
def pid() -> int:
    return os.getpid()


@task
async def async_pid() -> int:
    return os.getpid()


@task(executor="process")
def pid_alone() -> int:
    return os.getpid()
