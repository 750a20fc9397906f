"""Wanted against live workers."""

from collections.abc import Iterator
from typing import Any

import pytest
from manual_clock import ManualClock
from stub_children import StubChild, StubLauncher

from pgqueue.core.events.event import listen
from pgqueue.core.events.workers import WorkerUnstarted
from pgqueue.core.settings import load_settings
from pgqueue.process.child import UNWIND_SECONDS, Child, ExitReason
from pgqueue.process.counters import Usage
from pgqueue.process.fleet import Fleet
from pgqueue.process.reactor import Reactor
from pgqueue.process.worker_pool import WorkerKind

GREENLET, ASYNCIO = WorkerKind("greenlet"), WorkerKind("asyncio")


class FleetHarness:
    """A fleet of stub children, on a clock that the test sets."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.reactor = Reactor(self.clock)
        self.launcher = StubLauncher(self.clock)
        self.messages: list[tuple[int, dict[str, Any]]] = []
        self.ends: list[tuple[int, str]] = []
        settings = load_settings({"processes": 3, "greenlets": 10, "grace_seconds": 30.0})
        self.fleet = Fleet(
            settings,
            self.launcher,
            self.reactor,
            on_message=self._on_message,
            on_ended=self._on_ended,
        )

    def want(self, kind: WorkerKind, count: int) -> None:
        """Want so many, and start what is missing."""
        self.fleet.want(kind, count)
        self.fleet.reconcile()
        self.settle()

    def settle(self) -> None:
        """Let the reactor and the registry do what is due."""
        for _ in range(2):
            self.reactor.call_soon_threadsafe(lambda: None)
            self.reactor.run_once()
            self.launcher.answer()
        self.reactor.call_soon_threadsafe(lambda: None)
        self.reactor.run_once()

    def pass_time(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.clock.advance(seconds)
        self.settle()

    def end(self, child: StubChild) -> None:
        """Let a child end, and the fleet see it."""
        child.has_ended = True
        self.fleet.collect_ended()
        self.settle()

    @property
    def live(self) -> list[StubChild]:
        """The live children, the oldest first."""
        return list(self.fleet.children.values())

    def _on_message(self, child: Child, message: dict[str, Any]) -> None:
        self.messages.append((child.worker_id, message))

    def _on_ended(self, child: Child, cause: ExitReason) -> None:
        self.ends.append((child.worker_id, cause.reason))


@pytest.fixture
def harness() -> Iterator[FleetHarness]:
    """A fleet without workers."""
    opened = FleetHarness()
    yield opened
    opened.launcher.close()
    opened.reactor.close()


def test_as_many_workers_start_as_are_wanted_of_each_kind(harness: FleetHarness) -> None:
    harness.want(GREENLET, 3)
    harness.want(ASYNCIO, 1)
    harness.want(GREENLET, 4)

    kinds = [child.kind for child in harness.live]

    assert (4, 1) == (kinds.count(GREENLET), kinds.count(ASYNCIO))


def test_a_worker_that_is_being_registered_is_not_started_twice(harness: FleetHarness) -> None:
    harness.fleet.want(GREENLET, 2)
    for _ in range(3):
        harness.fleet.reconcile()
    was_starting = harness.fleet.is_starting

    harness.settle()

    assert (True, False) == (was_starting, harness.fleet.is_starting)
    assert [("register", GREENLET)] * 2 == harness.launcher.writes
    assert 2 == len(harness.live)


def test_the_youngest_workers_are_stopped_when_fewer_are_wanted(harness: FleetHarness) -> None:
    harness.want(GREENLET, 3)
    oldest, second, youngest = harness.live

    harness.want(GREENLET, 1)
    harness.fleet.reconcile()  # stops nobody twice

    assert [[], [30.0], [30.0]] == [child.stops for child in (oldest, second, youngest)]
    harness.end(second)
    harness.end(youngest)
    assert [oldest] == harness.live


def test_a_surplus_worker_that_goes_on_after_its_grace_is_killed(harness: FleetHarness) -> None:
    harness.want(GREENLET, 2)
    ends, resists = harness.live
    harness.want(GREENLET, 0)
    harness.end(ends)

    harness.pass_time(30.0 + UNWIND_SECONDS - 0.1)
    before = list(resists.kills)
    harness.pass_time(0.2)

    assert [] == before == ends.kills
    assert ["still ran after the grace"] == resists.kills


def test_a_worker_is_wanted_again_while_the_surplus_one_still_stops(
    harness: FleetHarness,
) -> None:
    harness.want(GREENLET, 2)
    oldest, stopping = harness.live
    harness.want(GREENLET, 1)

    harness.want(GREENLET, 2)

    assert 3 == len(harness.live)
    harness.end(stopping)
    assert [oldest, harness.launcher.children[2]] == harness.live


def test_a_worker_that_ended_is_recorded_and_replaced(harness: FleetHarness) -> None:
    harness.want(GREENLET, 2)
    first, second = harness.live
    harness.pass_time(60)

    harness.end(first)

    assert [(first.worker_id, "died")] == harness.ends
    assert [second, harness.launcher.children[2]] == harness.live
    assert [("died", first.worker_id), ("register", GREENLET)] == harness.launcher.writes[2:]


def test_new_workers_wait_longer_after_each_short_life(harness: FleetHarness) -> None:
    harness.want(GREENLET, 1)
    pauses = []
    for _ in range(9):
        [child] = harness.live
        harness.end(child)
        pause = 0.0
        while not harness.live:
            harness.pass_time(0.5)
            pause += 0.5
        pauses.append(pause)

    assert [0, 1, 2, 4, 8, 16, 30, 30, 30] == pauses


def test_a_long_life_ends_the_pauses(harness: FleetHarness) -> None:
    harness.want(GREENLET, 1)
    for _ in range(4):
        harness.end(harness.live[0])
        harness.pass_time(60)

    harness.pass_time(60)
    harness.end(harness.live[0])

    assert 1 == len(harness.live)


def test_a_worker_that_ends_at_once_for_a_day_is_still_replaced(harness: FleetHarness) -> None:
    harness.want(GREENLET, 1)

    for _ in range(2_000):
        harness.end(harness.live[0])
        harness.pass_time(30)

    assert 1 == len(harness.live)


def test_a_delayed_worker_does_not_start_when_it_is_wanted_no_more(harness: FleetHarness) -> None:
    harness.want(GREENLET, 1)
    for _ in range(2):
        harness.end(harness.live[0])

    harness.want(GREENLET, 0)
    harness.pass_time(60)

    assert [] == harness.live


def test_a_pool_that_was_wanted_before_keeps_its_number(harness: FleetHarness) -> None:
    harness.fleet.want_pool(GREENLET)
    harness.settle()
    of_the_settings = len(harness.live)
    harness.want(GREENLET, 5)

    harness.fleet.want_pool(GREENLET)
    harness.settle()

    assert (3, 5) == (of_the_settings, len(harness.live))


def test_no_worker_starts_in_a_fleet_that_wants_none(harness: FleetHarness) -> None:
    harness.want(GREENLET, 1)
    harness.fleet.want(GREENLET, 2)
    harness.fleet.reconcile()  # the second one is being registered

    harness.fleet.want_none()
    harness.fleet.reconcile(9.0)
    harness.fleet.reconcile(0.0)
    harness.fleet.want_pool(ASYNCIO)
    harness.settle()

    [child] = harness.live
    assert [9.0, 0.0] == child.stops
    assert ("unstarted", [2]) == harness.launcher.writes[-1]
    harness.end(child)
    harness.pass_time(60)
    assert [] == harness.live


def test_messages_are_handled_until_the_last_one_of_a_child_that_ended(
    harness: FleetHarness,
) -> None:
    harness.want(GREENLET, 1)
    [child] = harness.live

    child.worker.send("ready", executors=[])
    harness.settle()
    child.worker.send("refused", message="broken", exit_code=1)
    child.worker.send("unknown", tasks=["a"])
    harness.end(child)

    assert ["ready", "refused", "unknown"] == [message["verb"] for _, message in harness.messages]


def test_usage_has_the_wanted_slots_while_workers_start_and_are_replaced(
    harness: FleetHarness,
) -> None:
    harness.fleet.want(GREENLET, 2)
    harness.fleet.want(WorkerKind("greenlet", quarantine=True), 1)
    usages = [harness.fleet.usage()]
    harness.fleet.reconcile()
    usages.append(harness.fleet.usage())
    harness.settle()
    harness.end(harness.live[0])
    harness.live[0].has_ended = True
    harness.fleet.collect_ended()  # the second short life: its replacement waits
    usages.append(harness.fleet.usage())
    assert 2 == len(harness.live)

    harness.fleet.want_none()
    harness.live[0].report.counters = harness.live[0].counters._replace(busy_slots=3)

    assert [Usage(21, 0, None)] * 3 == usages
    assert Usage(0, 3, None) == harness.fleet.usage()


def test_usage_has_the_jobs_of_the_live_workers(harness: FleetHarness) -> None:
    before = harness.fleet.usage()
    harness.want(GREENLET, 2)
    first, second = harness.live

    idle = harness.fleet.usage()
    first.report.counters = first.counters._replace(busy_slots=3, run_seconds=0.5)
    second.report.counters = second.counters._replace(busy_slots=4, run_seconds=1.5)

    assert Usage(0, 0, None) == before
    assert Usage(20, 0, None) == idle
    assert Usage(20, 7, 1.0) == harness.fleet.usage()


def test_a_worker_whose_process_cannot_start_is_started_after_a_pause(
    harness: FleetHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(24, "Too many open files")

    unstarted: list[WorkerUnstarted] = []
    stop = listen(WorkerUnstarted, unstarted.append)
    with monkeypatch.context() as patch:
        patch.setattr(harness.launcher, "spawn", fail)
        harness.want(GREENLET, 1)
    stop()
    live_at_once = harness.live
    harness.pass_time(1.0)

    assert ([], 1) == (live_at_once, len(harness.live))
    assert [(1, 1.0)] == [(event.worker_id, event.pause_seconds) for event in unstarted]
    assert "Too many open files" in unstarted[0].reason
    assert ("unstarted", [1]) in harness.launcher.writes


def test_all_children_that_live_are_killed_and_recorded(harness: FleetHarness) -> None:
    harness.want(GREENLET, 2)
    children = harness.live

    harness.fleet.kill_all("its supervisor failed")
    harness.settle()

    assert [["its supervisor failed"]] * 2 == [child.kills for child in children]
    assert [child.worker_id for child in children] == [worker_id for worker_id, _ in harness.ends]
    assert [] == harness.live


def test_a_child_that_sends_what_is_no_message_is_killed_and_no_other(
    harness: FleetHarness,
) -> None:
    harness.want(GREENLET, 2)
    bad, good = harness.live
    bad.worker._socket.sendall(b'hello from a task\n{"verb": "ready"}\n')
    good.worker.send("ready", executors=[])

    harness.settle()
    harness.settle()

    [detail] = bad.kills
    assert "hello from a task" in detail
    assert [] == good.kills
    assert [(good.worker_id, {"verb": "ready", "executors": []})] == harness.messages
    harness.end(bad)
    assert good in harness.live and 2 == len(harness.live)
