"""The supervisor's own life, apart from its children's."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import pytest

from pgqueue.core.settings import load_settings
from pgqueue.process.scoreboard import Scoreboard
from pgqueue.process.supervisor import UNWIND_SECONDS, Supervisor, compare_connections
from pgqueue.process.worker_pool import WorkerKind
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link


def test_a_start_that_is_never_answered_does_not_hold_up_the_end(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings({"url": database_url, "grace_seconds": 0.0})
    supervisor = Supervisor(Database(database_url), settings)
    monkeypatch.setattr(supervisor._leases, "submit", lambda statement, then: None)
    spare = time.monotonic()
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()

    code = supervisor.run()

    assert 0 == code
    assert time.monotonic() - spare < UNWIND_SECONDS + 5


@pytest.mark.own_session
def test_a_supervisor_that_may_want_more_connections_than_there_are_says_so(
    link: Link, caplog: pytest.LogCaptureFixture
) -> None:
    for processes in (1, 1_000):
        compare_connections(link, load_settings({"processes": processes, "cpus": 1}))

    [told] = [each.__dict__ for each in caplog.records if "max_connections" in each.message]
    assert 3 + 2 * (1_000 + 1 + 1) == told["wanted"]
    assert 0 < told["taken"] < told["allowed"] < told["wanted"]


class Crewman:
    """A child as far as hints go: what its board shows, and what it was told."""

    def __init__(self, executor: str, *, waits: bool) -> None:
        self.kind = WorkerKind(executor)
        self.scoreboard = Scoreboard(1)
        self.scoreboard.set_waiting(waits)
        self.channel = self
        self.told: list[tuple[str, list[str]]] = []

    def try_send(self, verb: str, *, queues: list[str]) -> None:
        self.told.append((verb, queues))


@pytest.fixture
def crewed(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Supervisor]]:
    """Makes a supervisor of queues, with these for its children."""
    made = ExitStack()

    def make(queues: Sequence[str], pool: Sequence[Crewman]) -> Supervisor:
        settings = load_settings({"url": database_url, "queues": tuple(queues)})
        supervisor = Supervisor(Database(database_url), settings)
        made.callback(supervisor._say_farewell)
        monkeypatch.setattr(supervisor, "_children", dict(enumerate(pool)))
        monkeypatch.setattr(supervisor, "_pools", {each.kind for each in pool})
        return supervisor

    with made:
        yield make


def test_as_many_are_woken_as_it_takes_another_first_each_time(
    crewed: Callable[..., Supervisor],
) -> None:
    waiting = [Crewman("greenlet", waits=True) for _ in range(3)]
    others = [Crewman("greenlet", waits=False), Crewman("asyncio", waits=True)]
    supervisor = crewed(["default"], [*waiting, *others])

    for wakes in (1, 1, 1, 2):
        supervisor._wake({WorkerKind("greenlet"): ["default"]}, wakes)

    assert [1, 2, 2] == sorted(len(each.told) for each in waiting)
    assert {("wake", ("default",))} == {
        (verb, tuple(queues)) for each in waiting for verb, queues in each.told
    }
    assert [[], []] == [each.told for each in others]


@pytest.mark.parametrize(("queue", "waiting"), [("default", {"asyncio"}), ("mail/", None)])
def test_workers_wait_to_be_woken_as_their_boards_say_or_for_the_names_of_queues(
    crewed: Callable[..., Supervisor], queue: str, waiting: set[str] | None
) -> None:
    pool = [Crewman("greenlet", waits=False), Crewman("asyncio", waits=True)]
    supervisor = crewed([queue], pool)

    assert (waiting or {"greenlet", "asyncio"}) == {
        kind.executor for kind in supervisor._waiting_kinds()
    }


def test_who_claims_without_a_pause_hears_of_queues_whatever_kind_he_is_of(
    crewed: Callable[..., Supervisor],
) -> None:
    busy = [Crewman(executor, waits=False) for executor in ("greenlet", "asyncio")]
    supervisor = crewed(["mail/"], busy)

    ready = {WorkerKind("greenlet"): ["mail/a"], WorkerKind("asyncio"): ["mail/b"]}
    for _ in range(2):  # at once, so that the second time is too soon
        supervisor._wake(ready, 1)

    assert [[("filled", ["mail/a"])], [("filled", ["mail/b"])]] == [each.told for each in busy]
