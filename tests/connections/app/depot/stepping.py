"""Tasks that show until when they run: each writes the time of every step to a file of its key."""

import asyncio
import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path

from chaos.tasks.effect import FOLDER

from pgqueue import current_job, task

# Between two steps of a job, which writes down when it runs.
_STEP_SECONDS = 0.02
_RESISTS_SECONDS = 60.0


@task
def in_a_greenlet(key: str, until: str) -> None:
    while _step(key, until):
        time.sleep(_STEP_SECONDS)


@task
async def in_a_coroutine(key: str, until: str) -> None:
    while _step(key, until):
        await asyncio.sleep(_STEP_SECONDS)


@task(executor="process")
def in_a_process(key: str, until: str) -> None:
    while _step(key, until):
        time.sleep(_STEP_SECONDS)


@task(executor="process")
def without_a_pause(key: str, until: str) -> None:
    while _step(key, until):
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2_000)


@task(executor="process")
def that_swallows_errors(key: str, until: str) -> None:
    end = time.monotonic() + _RESISTS_SECONDS
    while time.monotonic() < end:
        with suppress(BaseException):
            if not _step(key, until):
                return
            time.sleep(_STEP_SECONDS)


def _step(key: str, until: str) -> bool:
    with (Path(os.environ[FOLDER]) / key).open("a") as file:
        file.write(f"{current_job().attempt} {time.monotonic()}\n")
    return not Path(until).exists()
