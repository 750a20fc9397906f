"""Supervisors take turns at the work that one of them does for all."""

import pytest
from manual_clock import ManualClock

from pgqueue.process.turns import Turns
from pgqueue.store.supervisors import LiveSupervisors


def _turns_of(turns: Turns, clock: ManualClock, every_seconds: float, count: int) -> list[float]:
    """When the next turns begin, in seconds from now."""
    began_at = clock.monotonic()
    begins: list[float] = []
    for _ in range(count):
        clock.advance(turns.seconds_left(every_seconds, clock.monotonic()))
        begins.append(round(clock.monotonic() - began_at, 6))
    return begins


def test_a_supervisor_alone_has_each_turn() -> None:
    clock = ManualClock()

    assert [1.5, 3.0, 4.5] == _turns_of(Turns(clock), clock, 1.5, 3)


@pytest.mark.parametrize("every_seconds", [0.1, 1.0, 5.0, 3600.0])
def test_each_interval_is_the_turn_of_one_supervisor(every_seconds: float) -> None:
    begins: list[float] = []
    for rank in range(7):
        # Each host's clock has begun at another time.
        clock = ManualClock(1_000.0 * rank)
        turns = Turns(clock)
        turns.update(LiveSupervisors(True, rank, 7, 1, 1_700_000_000.25))
        begins += _turns_of(turns, clock, every_seconds, 10)

    gaps = {
        round((later - earlier) / every_seconds, 3)
        for earlier, later in zip(sorted(begins), sorted(begins)[1:], strict=False)
    }
    assert {1.0} == gaps


def test_a_turn_that_comes_a_little_early_is_not_taken_twice() -> None:
    clock = ManualClock()
    turns = Turns(clock)
    turns.update(LiveSupervisors(True, 1, 4, 1, 100.95))

    assert 4.05 == pytest.approx(turns.seconds_left(1.0, clock.monotonic()))


def test_a_supervisor_that_is_left_alone_takes_over_all_turns() -> None:
    clock = ManualClock()
    turns = Turns(clock)
    turns.update(LiveSupervisors(True, 3, 50, 50, 0.0))
    last_at = clock.monotonic()
    clock.advance(2.0)
    before = turns.seconds_left(1.0, last_at)

    turns.update(LiveSupervisors(True, 0, 1, 1, 2.0))

    assert (1.0, 0.0) == (before, turns.seconds_left(1.0, last_at))
