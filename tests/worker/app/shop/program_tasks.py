"""Tasks that start programs and processes, and do not end them."""

import asyncio
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from pgqueue import current_job, task

_PROGRAM = "echo $$ > '{path}.new'; mv '{path}.new' '{path}'; exec sleep 600"


@task
def starts(way: str, path: str) -> str:
    """In the first attempt, start a program and wait for it; then tell whether it still runs."""
    if current_job().attempt > 1:
        return _state(int(Path(path).read_text()))
    _WAYS[way](path)
    time.sleep(600)
    return "not reached"


@task(executor="process")
def starts_alone(way: str, path: str) -> str:
    return starts.function(way, path)


@task
async def starts_in_a_coroutine(way: str, path: str) -> str:
    if current_job().attempt > 1:
        return _state(int(Path(path).read_text()))
    program = await asyncio.create_subprocess_shell(_PROGRAM.format(path=path))
    await program.wait()
    return "not reached"


@task
def starts_and_returns(way: str, path: str) -> None:
    _WAYS[way](path)
    while not Path(path).exists():
        time.sleep(0.02)


def _state(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "ended"
    return "ended" if stat.rpartition(")")[2].split()[0] == "Z" else "runs"


def _shell(path: str, **options: Any) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(_PROGRAM.format(path=path), shell=True, **options)


def _process(path: str, method: str) -> None:
    context: Any = multiprocessing.get_context(method)
    context.Process(target=_announce_and_sleep, args=(path,)).start()


def _announce_and_sleep(path: str) -> None:
    Path(path + ".new").write_text(str(os.getpid()))
    os.rename(path + ".new", path)
    time.sleep(600)


def _fork_twice(path: str) -> None:
    if os.fork() == 0:
        if os.fork() == 0:
            _announce_and_sleep(path)
        os._exit(0)


_WAYS = {
    "popen": _shell,
    "group": lambda path: _shell(path, process_group=0),
    "session": lambda path: _shell(path, start_new_session=True),
    "system": lambda path: os.system(f"({_PROGRAM.format(path=path)}) &"),
    "run": lambda path: subprocess.run(["sh", "-c", _PROGRAM.format(path=path)], check=False),
    "fork": lambda path: _process(path, "fork"),
    "spawn": lambda path: _process(path, "spawn"),
    "forkserver": lambda path: _process(path, "forkserver"),
    "fork twice": _fork_twice,
}


@task(executor="process")
def leaves_orphans() -> int:
    """How many zombies process 1 has, when as many as there should be are gone or 20 s are over."""
    for _ in range(5):
        if os.fork() == 0:
            if os.fork() == 0:
                time.sleep(0.2)
            os._exit(0)
        os.wait()
    time.sleep(0.3)
    end = time.monotonic() + 20
    while _zombies() and time.monotonic() < end:
        time.sleep(0.05)
    return _zombies()


def _zombies() -> int:
    files = Path("/proc").glob("[0-9]*/stat")
    stats = [file.read_text().rpartition(")")[2].split() for file in files]
    return sum(stat[0] == "Z" and stat[1] == "1" for stat in stats)


@task(executor="process")
def maps_in_a_pool(method: str) -> list[int]:
    with multiprocessing.get_context(method).Pool(2) as pool:
        return pool.map(abs, [-1, -2])


@task(executor="process")
def maps_in_an_executor(method: str) -> list[int]:
    from concurrent.futures import ProcessPoolExecutor

    context: Any = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        return list(pool.map(abs, [-1, -2]))


@task
async def maps_in_a_coroutine(method: str) -> list[int]:
    from concurrent.futures import ProcessPoolExecutor

    context: Any = multiprocessing.get_context(method)
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        return [await loop.run_in_executor(pool, abs, n) for n in (-1, -2)]


@task
def terminates(method: str) -> list[int | None]:
    """The exit codes of ten processes that are ended as soon as they are started."""
    context: Any = multiprocessing.get_context(method)
    codes = []
    for _ in range(10):
        process = context.Process(target=time.sleep, args=(600,))
        process.start()
        process.terminate()
        process.join()
        codes.append(process.exitcode)
    return codes


@task(executor="process")
def terminates_alone(method: str) -> list[int | None]:
    return terminates.function(method)


@task(executor="process")
def interrupts_a_fork() -> str:
    """What a fork sees of SIGINT."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            time.sleep(600)
        except KeyboardInterrupt:
            os.write(theirs, b"KeyboardInterrupt")
        sys.exit(0)
    time.sleep(0.2)
    os.kill(pid, 2)
    os.waitpid(pid, 0)
    return os.read(ours, 100).decode()
