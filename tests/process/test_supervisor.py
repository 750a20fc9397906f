"""The supervisor's own life, apart from its children's."""

import itertools
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from stub_children import StubChild

from pgqueue.core.exit_codes import EXIT_DATABASE
from pgqueue.core.settings import Settings, load_settings
from pgqueue.process.child import UNWIND_SECONDS
from pgqueue.process.counters import Counters, Usage
from pgqueue.process.launcher import Launcher
from pgqueue.process.supervisor import Supervisor, compare_connections
from pgqueue.process.worker_pool import WorkerPool
from pgqueue.process.worker_registry import WorkerRegistry
from pgqueue.store.connection.database import Database
from pgqueue.store.connection.link import Link


def test_a_registration_that_is_never_answered_does_not_delay_the_end(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WorkerRegistry, "submit", lambda self, statement, then: None)
    settings = load_settings({"url": database_url, "grace_seconds": 0.0})
    supervisor = Supervisor(Database(database_url), settings)
    started_at = time.monotonic()
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()

    code = supervisor.run()

    assert 0 == code
    assert [] == supervisor.worker_ids
    assert time.monotonic() - started_at < UNWIND_SECONDS + 5


def test_a_renewal_before_the_first_worker_records_the_wanted_slots(
    database_url: str, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WorkerRegistry, "submit", lambda self, statement, then: None)
    settings = load_settings({"url": database_url, "processes": 2, "greenlets": 7})
    supervisor = Supervisor(Database(database_url), settings)
    thread = threading.Thread(target=supervisor.run, kwargs={"catches_signals": False})
    has_renewed = threading.Event()
    renew = WorkerRegistry._renew

    def renew_and_set(registry: WorkerRegistry, renewing: Link) -> None:
        renew(registry, renewing)
        has_renewed.set()

    monkeypatch.setattr(WorkerRegistry, "_renew", renew_and_set)
    registered = link.fetch("select slots, busy_slots from pgqueue.supervisors", {})

    thread.start()
    was_renewed = has_renewed.wait(20.0)
    renewed = link.fetch("select slots, busy_slots from pgqueue.supervisors", {})
    supervisor.stop(0.0)
    thread.join(20.0)

    assert was_renewed
    assert [(14, 0)] == registered == renewed


@pytest.mark.own_session
def test_a_supervisor_that_may_want_more_connections_than_there_are_says_so(
    link: Link, caplog: pytest.LogCaptureFixture
) -> None:
    for processes in (1, 1_000):
        compare_connections(link, load_settings({"processes": processes, "cpus": 1}))

    [fields] = [
        record.__dict__ for record in caplog.records if record.message == "connections short"
    ]
    assert 3 + 2 * (1_000 + 1 + 1) == fields["wanted"]
    assert 0 < fields["taken"] < fields["allowed"] < fields["wanted"]


@pytest.mark.own_session
def test_a_supervisor_that_fails_to_start_leaves_no_row(
    link: Link, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(link: Link, settings: Settings) -> None:
        raise ConnectionError

    monkeypatch.setattr("pgqueue.process.supervisor.compare_connections", fail)

    with pytest.raises(ConnectionError):
        Supervisor(Database(database_url), load_settings({"url": database_url}))

    assert [] == link.fetch("select id from pgqueue.supervisors", {})


class ScriptedChild(StubChild):
    """A child that sends its messages at once, and ends when it is stopped.

    Attributes:
        usage: The supervisor's usage when the child was stopped.
    """

    def __init__(self, supervisor: Supervisor, worker_id: int, pool: WorkerPool) -> None:
        super().__init__(worker_id, pool)
        self.supervisor = supervisor
        self.usage: Usage | None = None

    def stop(self, grace_seconds: float, detail: str = "") -> None:
        """End."""
        super().stop(grace_seconds, detail)
        self.usage = self.supervisor.usage()
        self.has_ended = True


RunWith = Callable[..., tuple[int, list[ScriptedChild]]]


@pytest.fixture
def run_with(database_url: str, monkeypatch: pytest.MonkeyPatch) -> RunWith:
    """Runs a supervisor whose children send these messages; its exit code and its children."""

    def run_with(*messages: dict[str, Any], ends: bool = False) -> tuple[int, list[ScriptedChild]]:
        settings = load_settings({"url": database_url, "processes": 1, "greenlets": 10})
        supervisor = Supervisor(Database(database_url), settings)
        children: list[ScriptedChild] = []

        def spawn(launcher: Launcher, pool: WorkerPool, worker_id: int) -> ScriptedChild:
            child = ScriptedChild(supervisor, worker_id, pool)
            for message in messages:
                child.worker.send(**message)
            child.has_ended = ends
            children.append(child)
            return child

        ids = itertools.count(1)
        monkeypatch.setattr(WorkerRegistry, "submit", lambda self, statement, then: then(next(ids)))
        monkeypatch.setattr(Launcher, "spawn", spawn)
        stop = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM))
        stop.start()
        try:
            return supervisor.run(), children
        finally:
            stop.cancel()

    return run_with


def test_the_counters_of_a_child_reach_the_usage_of_its_supervisor(run_with: RunWith) -> None:
    numbers = {"busy_slots": 3, "run_seconds": 0.25, "claimed": 9, "succeeded": 4, "failed": 2}

    code, [child] = run_with({"verb": "counters", **numbers})

    assert 0 == code
    assert Counters(**numbers) == child.counters
    assert Usage(slots=0, busy_slots=3, run_seconds=0.25) == child.usage  # it stops


def test_a_child_that_cannot_start_at_all_ends_its_supervisor(
    run_with: RunWith, caplog: pytest.LogCaptureFixture
) -> None:
    code, children = run_with(
        {"verb": "refused", "message": "broken module", "exit_code": 2}, ends=True
    )

    assert (2, 1) == (code, len(children))
    [record] = [record for record in caplog.records if record.message == "worker refused"]
    assert "broken module" == record.__dict__["reason"]


def test_a_supervisor_stops_when_a_child_finds_a_schema_that_is_too_new(
    run_with: RunWith, caplog: pytest.LogCaptureFixture
) -> None:
    code, [child] = run_with({"verb": "schema_too_new", "message": "revision 9999"})

    assert EXIT_DATABASE == code
    assert 1 == len(child.stops)
    [record] = [record for record in caplog.records if record.message == "schema too new"]
    assert "revision 9999" == record.__dict__["reason"]


def test_workers_start_for_the_executors_that_the_loaded_tasks_need(run_with: RunWith) -> None:
    _, children = run_with({"verb": "ready", "executors": ["greenlet", "asyncio"]})

    assert ["greenlet", "asyncio"] == [child.kind.executor for child in children]
