"""Tasks that touch all that a worker may do, and one that blurts out its secret."""

import logging

import psycopg

from pgqueue import Retry, current_job, task

log = logging.getLogger("vault.inside")


@task
def open_door(n: int) -> str:
    log.info("opening %s", n)
    current_job().progress(0.5, "half open")
    if n > 0:
        open_door.enqueue(n - 1)
        open_door.enqueue_many([{"n": 0}])
    return "open"


@task
async def watch_door() -> str:
    return "watched"


@task(executor="process", keep=0)
def count_coins(n: int) -> int:
    return sum(range(n))


@task(retry=Retry(max_attempts=2, base=0))
def jam() -> None:
    raise ValueError("jammed")


@task
def close_door(url: str) -> None:
    with psycopg.connect(url) as connection:
        current_job().complete(connection=connection, result="closed")
