"""Tasks that use all rights of a worker, and tasks that print their secret."""

import json
import logging
import os
from pathlib import Path
from typing import Annotated

import psycopg
from pydantic import StringConstraints
from typing_extensions import TypedDict

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


@task
def show_processes() -> list[str]:
    """The command lines of this process and of its parent, as `ps` shows them."""
    return [
        Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        for pid in (os.getpid(), os.getppid())
    ]


class Refused(Exception):
    """An error with the card in its message and its arguments."""


def _leak(card: dict[str, str]) -> None:
    log.info("charging %s", card["number"], extra={"card": card["number"]})
    log.warning("card as JSON: %s", json.dumps(card))
    current_job().log.info("card: %r", card)
    current_job().progress(0.5, f"charging {card['number']}")
    try:
        raise KeyError(card["number"])
    except KeyError as error:
        log.exception("cannot find %s", card["number"])
        raise Refused(f"card {card} refused") from error


@task(redact=["card.number"])
def pay(card: dict[str, str]) -> None:
    _leak(card)


@task(redact=["card.number"])
async def pay_async(card: dict[str, str]) -> None:
    _leak(card)


@task(redact=["card.number"], executor="process")
def pay_apart(card: dict[str, str]) -> None:
    _leak(card)


@task(redact=["card"])
def pay_by_number(card: int) -> None:
    raise Refused(card)


class Purse(TypedDict):
    number: Annotated[str, StringConstraints(max_length=5)]


@task(redact=["purse.number"])
def pay_from(purse: Purse) -> None: ...
