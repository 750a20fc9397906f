"""The forks, processes and programs that tasks start, as applications do."""

import multiprocessing
import os
import random
import sys
from typing import Any
from zlib import crc32

from chaos import program
from chaos.tasks import effect
from pgqueue.core.job_context import JobContext

IN_A_FORK = "in a fork"
"""A fork records nothing, so no row has this text."""

# A task waits for the short ones, and leaves the others behind.
_LIFE_SECONDS = (0.2, 0.5, 1.0, 4.0, 12.0)
_AWAITED_SECONDS_MAX = 1.0

_METHODS = ("fork", "forkserver", "spawn")


def life_seconds(key: str) -> float:
    """How long the process of a job lives."""
    return _LIFE_SECONDS[crc32(key.encode()) % len(_LIFE_SECONDS)]


def is_awaited(key: str) -> bool:
    """Whether the task waits for its process."""
    return life_seconds(key) <= _AWAITED_SECONDS_MAX


def fork(key: str, job: JobContext) -> int:
    """Fork; the fork works, and then exits, fails or goes on in the task, where 0 is returned."""
    ending = random.choice(("exits", "fails", "returns"))
    pid = os.fork()
    if pid == 0:
        effect.enter_fork(job)
        job.log.info(IN_A_FORK)
        job.progress(0.5, IN_A_FORK)
        program.work(*_arguments(key, job, f"fork that {ending}"))
        if ending == "exits":
            sys.exit(3)
        if ending == "fails":
            raise ValueError(IN_A_FORK)
    return pid


def process(key: str, job: JobContext) -> Any:
    """A process of multiprocessing, which is not started yet."""
    method = random.choice(_METHODS)
    context: Any = multiprocessing.get_context(method)
    arguments = _arguments(key, job, f"multiprocessing, {method}")
    return context.Process(target=program.work, args=arguments)


def command(key: str, job: JobContext) -> list[str]:
    """The command of a program."""
    arguments = map(str, _arguments(key, job, "program"))
    return [sys.executable, "-S", "-m", "chaos.program", *arguments]


def _arguments(key: str, job: JobContext, way: str) -> tuple[str, float, int, int, str]:
    return os.environ[effect.FOLDER], life_seconds(key), job.id, job.attempt, way
