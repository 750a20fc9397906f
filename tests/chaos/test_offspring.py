"""Real workers with forks and programs: a mutation of pgqueue breaks the invariants about them."""

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from parts.python_path import python_path

from chaos import invariants, ledger, ledger_tables, procs
from chaos.fleet import Fleet
from chaos.ledger import Ledger
from chaos.process_guard import ProcessGuard
from chaos.run import SETTINGS
from chaos.survivors import Survivors
from chaos.tasks import coroutines, effect, heavy, light, offspring
from pgqueue.client.client import Client
from pgqueue.tasks.task import Task

pytestmark = pytest.mark.own_session

_WAIT_SECONDS_MAX = 60.0

# By file: a definition at its end, which replaces the one before.
_NO_END = ("process/sessions.py", "def end_session(leader: int) -> None: pass")
_NO_FORKS = ("worker/forks.py", "def install() -> None: pass")


class Shop:
    """A supervisor whose pgqueue may have a mutation, and the watch for survivors."""

    def __init__(self, url: str, folder: Path, mutation: tuple[str, str] | None) -> None:
        self.folder = folder
        self.connection = psycopg.connect(url, autocommit=True)
        self.connection.execute("set search_path = public")
        ledger_tables.prepare(self.connection)
        self.client = Client(url)
        mark = f"{effect.FOLDER}={folder}"
        self.survivors = Survivors(mark, Ledger(folder / "outlived.jsonl"))
        self.guard = ProcessGuard()
        self.fleet = Fleet(folder, self.guard)
        environment = {**SETTINGS, "PGQUEUE_URL": url, effect.FOLDER: str(folder)}
        if mutation is not None:
            environment["PYTHONPATH"] = python_path(_mutated(folder / "mutated", *mutation))
        modules = ",".join(module.__name__ for module in (light, coroutines, heavy))
        queues = ("default", coroutines.QUEUE, heavy.QUEUE)
        arguments = (*queues, "--tasks", modules, "--cpus", "1")
        self.fleet.add("a", *arguments, environment=environment)

    def __enter__(self) -> "Shop":
        self.survivors.start()
        self.fleet.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.fleet.kill_all()
        self.survivors.stop()
        for pid in self.survivors.living():
            procs.send(pid, signal.SIGKILL)
        self.guard.release()
        self.client.close()
        self.connection.close()

    def lines(self, name: str) -> list[dict[str, Any]]:
        return list(ledger.read(self.folder / f"{name}.jsonl"))

    def broken(self) -> set[str]:
        """The invariants about forks and programs that do not hold."""
        ledger_tables.collect(self.connection, self.folder)
        names = {"inv27", "inv28", "inv29"}
        return {
            invariant.name
            for invariant in invariants.load()
            if invariant.name in names and invariant.broken(self.connection)
        }

    def are_final(self) -> bool:
        return not self.client.jobs(status=["queued", "scheduled", "running"])


@pytest.fixture
def shop(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Shop]:
    with Shop(database_url, tmp_path, request.param) as opened:
        yield opened


@pytest.mark.parametrize(
    "shop, broken", [(None, set()), (_NO_END, {"inv28", "inv29"})], indirect=["shop"]
)
def test_programs_of_a_killed_worker_that_live_on_are_found(shop: Shop, broken: set[str]) -> None:
    keys = (f"key {number}" for number in range(1000))
    long_lives = [key for key in keys if offspring.life_seconds(key) > 10.0]
    for key in long_lives[:8]:
        light.starting.using(connection=shop.connection).enqueue(key=key)
    _until(lambda: len(shop.lines("programs")) > 0, "a program works")

    for worker_pid in {line["pid"] for line in shop.lines("effects")}:
        procs.send(worker_pid, signal.SIGKILL)

    _until(lambda: shop.are_final(), "the jobs are final")
    first_pids = {line["pid"] for line in shop.lines("programs") if line["attempt"] == 1}
    _until(lambda: not any(map(procs.lives, first_pids)), "the first programs have ended")
    _until(
        lambda: {*first_pids} == {line["pid"] for line in shop.lines("outlived")} or not broken,
        "they are recorded",
    )
    assert broken == shop.broken()


@pytest.mark.parametrize("shop, broken", [(None, set()), (_NO_FORKS, {"inv27"})], indirect=["shop"])
@pytest.mark.parametrize(
    "neighbour, forking",
    [(light.slow, light.forking), (coroutines.waiting, coroutines.aforking)],
    ids=["greenlet", "asyncio"],
)
def test_steps_of_other_jobs_in_a_fork_are_found(
    shop: Shop, broken: set[str], neighbour: "Task[..., Any]", forking: "Task[..., Any]"
) -> None:
    for number in range(10):
        neighbour.using(connection=shop.connection).enqueue(key=f"neighbour {number}")
        forking.using(connection=shop.connection).enqueue(key=f"fork {number}")

    _until(lambda: shop.broken() if broken else shop.are_final(), "broken, or final")

    assert broken == shop.broken()


def _mutated(folder: Path, file: str, definition: str) -> Path:
    package = folder / "pgqueue"
    shutil.copytree(Path(invariants.__file__).parents[3] / "pgqueue", package)
    with package.joinpath(file).open("a") as module:
        module.write(f"\n\n{definition}\n")
    return folder


def _until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + _WAIT_SECONDS_MAX
    while not condition():
        assert time.monotonic() < end, f"not within {_WAIT_SECONDS_MAX:g} s: {what}"
        time.sleep(0.05)  # between two polls of real processes
