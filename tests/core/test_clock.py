"""Timers are due when the clock says so, and never while they are stopped."""

from math import inf

from manual_clock import ManualClock

from pgqueue.core.clock import Stopwatch, Timer


def test_a_timer_is_due_when_its_seconds_have_passed() -> None:
    clock = ManualClock()
    timer = Timer(clock, seconds=2.0)

    clock.advance(1.5)
    before = timer.is_due, timer.seconds_left
    clock.advance(0.5)

    assert (False, 0.5) == before
    assert (True, 0.0) == (timer.is_due, timer.seconds_left)


def test_a_stopped_timer_is_never_due() -> None:
    clock = ManualClock()
    timer = Timer(clock)

    timer.stop()
    clock.advance(1e9)

    assert (False, False, inf) == (timer.is_due, timer.is_running, timer.seconds_left)


def test_bring_forward_never_makes_a_timer_later() -> None:
    clock = ManualClock()
    timer = Timer(clock, seconds=5.0)

    timer.bring_forward(9.0)
    unchanged = timer.seconds_left
    timer.bring_forward(1.0)

    assert (5.0, 1.0) == (unchanged, timer.seconds_left)


def test_an_expired_timer_is_due_at_any_time() -> None:
    clock = ManualClock(now=0.0)
    timer = Timer(clock, seconds=5.0)

    timer.expire()

    assert timer.is_due


def test_a_stopwatch_counts_from_its_latest_restart() -> None:
    clock = ManualClock()
    watch = Stopwatch(clock)

    before = watch.seconds
    watch.restart()
    clock.advance(3.0)

    assert (inf, 3.0) == (before, watch.seconds)
