"""How a supervisor ends."""

from collections.abc import Iterator

import pytest
from manual_clock import ManualClock

from pgqueue.process.child import UNWIND_SECONDS
from pgqueue.process.reactor import Reactor
from pgqueue.process.shutdown import Shutdown


class StubFleet:
    """Live workers by number, and the grace of each stop."""

    def __init__(self) -> None:
        self.children = {1: object()}
        self.is_starting = False
        self.graces: list[float] = []

    def want_none(self) -> None:
        """Only what `reconcile` does counts here."""

    def reconcile(self, grace_seconds: float) -> None:
        """Note the grace."""
        self.graces.append(grace_seconds)


class StubRegistry:
    """Has pending statements for so many questions."""

    def __init__(self, pending_count: float) -> None:
        self.pending_count = pending_count
        self.is_stopped = False

    @property
    def has_pending(self) -> bool:
        """Whether statements are pending."""
        self.pending_count -= 1
        return self.pending_count >= 0

    def stop(self) -> None:
        """Note the stop."""
        self.is_stopped = True


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def fleet() -> StubFleet:
    return StubFleet()


@pytest.fixture
def shutdown(fleet: StubFleet, clock: ManualClock) -> Iterator[Shutdown]:
    """A shutdown with a grace of 30 seconds."""
    reactor = Reactor(clock)
    yield Shutdown(fleet, reactor, supervisor_id=1, grace_seconds=30.0, clock=clock)
    reactor.close()


def test_the_first_signal_leaves_the_grace_and_the_second_one_ends_it(
    shutdown: Shutdown, fleet: StubFleet
) -> None:
    for _ in range(3):
        shutdown.stop_signalled()

    assert [30.0, 0.0] == fleet.graces


def test_a_longer_grace_changes_nothing(shutdown: Shutdown, fleet: StubFleet) -> None:
    shutdown.begin(10.0)
    shutdown.begin()

    assert [10.0] == fleet.graces


def test_a_supervisor_ends_when_its_workers_have_ended(
    shutdown: Shutdown, fleet: StubFleet
) -> None:
    before = shutdown.is_over
    shutdown.begin()
    stopping = shutdown.is_over

    fleet.children.clear()

    assert (False, False, True) == (before, stopping, shutdown.is_over)


def test_a_registration_without_an_answer_ends_the_wait_after_the_grace(
    shutdown: Shutdown, fleet: StubFleet, clock: ManualClock
) -> None:
    fleet.children.clear()
    fleet.is_starting = True
    shutdown.begin(1.0)

    clock.advance(1.0 + UNWIND_SECONDS - 0.1)
    early = shutdown.is_over
    clock.advance(0.1)

    assert (False, True) == (early, shutdown.is_over)


def test_the_last_writes_are_awaited(shutdown: Shutdown) -> None:
    registry = StubRegistry(2)

    shutdown.write_last(registry)

    assert registry.is_stopped
    assert registry.pending_count < 0


def test_last_writes_that_take_too_long_are_left(
    shutdown: Shutdown, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", clock.advance)
    registry = StubRegistry(1_000)
    started_at = clock.monotonic()

    shutdown.write_last(registry)

    assert registry.is_stopped
    assert clock.monotonic() - started_at == pytest.approx(10.0, abs=0.1)
