"""When the next scan comes."""

import random
from math import inf

import pytest
from manual_clock import ManualClock

from pgqueue.process.polling import Polling
from pgqueue.store.supervisors import LiveSupervisors


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    monkeypatch.setattr(random, "uniform", lambda least, most: most)
    return ManualClock()


@pytest.fixture
def polling(clock: ManualClock) -> Polling:
    return Polling(1.0, rest_seconds_max=10.0, clock=clock)


def _notified(polling: Polling, listened_seconds: float) -> float:
    polling.listened(listened_seconds)
    return polling.notified()


def _storm(polling: Polling, clock: ManualClock, scans: int = 20) -> None:
    for _ in range(scans):
        # Scans may take long: it counts that the next notification was there already.
        clock.advance(0.04)
        clock.advance(_notified(polling, 0.005))


def _pauses(polling: Polling, count: int, *, found: bool) -> list[float]:
    pauses = []
    for _ in range(count):
        polling.scanned(found=found, seconds=0.001)
        pauses.append(round(polling.pause, 3))
    return pauses


def test_the_longer_scans_find_nothing_the_longer_the_pauses(polling: Polling) -> None:
    assert [0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.0, 1.0] == _pauses(polling, 8, found=False)


def test_a_scan_that_found_something_is_followed_by_one_soon(polling: Polling) -> None:
    _pauses(polling, 8, found=False)

    assert [0.01, 0.02, 0.04] == _pauses(polling, 3, found=True)


def test_the_longer_scans_find_something_the_more_workers_are_woken(polling: Polling) -> None:
    woken = []
    for found in (True, True, True, False, True):
        polling.scanned(found=found, seconds=0.001)
        woken.append(polling.workers_to_wake)

    assert [1, 2, 4, 1, 1] == woken


def test_a_job_that_nobody_claims_goes_on_to_wake_one_worker_at_a_time(polling: Polling) -> None:
    woken = []
    for _ in range(14):
        polling.scanned(found=True, seconds=0.001)
        woken.append(polling.workers_to_wake)
    _notified(polling, 1.0)
    for _ in range(2):
        polling.scanned(found=True, seconds=0.001)
        woken.append(polling.workers_to_wake)

    assert [512, 1024, 1, 1, 1, 1, 2] == woken[-7:]


def test_a_scan_that_takes_some_time_leaves_time_to_others(
    polling: Polling, clock: ManualClock
) -> None:
    _storm(polling, clock)
    polling.scanned(found=True, seconds=0.01)

    assert 0.05 == pytest.approx(polling.pause)


def test_a_notification_is_followed_by_a_scan_at_once(polling: Polling, clock: ManualClock) -> None:
    clock.advance(1.0)

    assert 0.0 == _notified(polling, 1.0)
    assert 0.01 == pytest.approx(_notified(polling, 0.0))


def test_in_a_storm_notifications_are_suppressed_and_scans_go_on(
    polling: Polling, clock: ManualClock
) -> None:
    _storm(polling, clock)

    assert not polling.wants_notify
    assert [0.01] * 4 == _pauses(polling, 4, found=False)


def test_a_few_notifications_are_no_storm(polling: Polling, clock: ManualClock) -> None:
    for _ in range(50):
        clock.advance(0.03)
        clock.advance(_notified(polling, 0.015))

    assert polling.wants_notify


def test_many_supervisors_scan_together_no_more_often_than_one(
    polling: Polling, clock: ManualClock
) -> None:
    polling.turns.update(LiveSupervisors(True, 0, 20, 20, 0.0))
    _storm(polling, clock, 400)

    assert [0.02, 0.04, 0.08, 0.16, 0.2, 0.2] == _pauses(polling, 6, found=False)


def test_a_storm_that_lasts_is_suppressed_longer_and_longer(
    polling: Polling, clock: ManualClock
) -> None:
    suppressed = []
    for _ in range(5):
        _storm(polling, clock, 6)
        before = clock.monotonic()
        while not polling.wants_notify:
            clock.advance(0.5)
        suppressed.append(round(clock.monotonic() - before))

    assert [5, 10, 20, 30, 30] == suppressed


def test_a_new_storm_is_suppressed_briefly(polling: Polling, clock: ManualClock) -> None:
    for _ in range(4):
        _storm(polling, clock, 6)
        clock.advance(25.0)
    clock.advance(100.0)

    _storm(polling, clock, 6)
    clock.advance(5.1)

    assert polling.wants_notify


@pytest.mark.parametrize(("seconds", "rest"), [(0.05, 0.0), (0.06, 1.2), (1.0, 10.0), (20.0, 10.0)])
def test_a_scan_that_takes_long_is_followed_by_a_rest_of_twenty_times_as_long_or_ten_seconds(
    polling: Polling, clock: ManualClock, seconds: float, rest: float
) -> None:
    polling.scanned(found=True, seconds=seconds)
    may_scan = [polling.may_scan]
    for later in (rest - 0.01, 0.02):
        clock.advance(later)
        may_scan.append(polling.may_scan)

    assert [rest == 0.0, rest == 0.0, True] == may_scan


def test_a_poll_is_due_a_tenth_of_its_interval_early(polling: Polling, clock: ManualClock) -> None:
    due = [polling.is_poll_due]
    polling.start_poll()
    for seconds in (0.0, 0.89, 0.02):
        clock.advance(seconds)
        due.append(polling.is_poll_due)

    assert [True, False, False, True] == due


def test_each_of_several_supervisors_gets_its_share_of_a_storm(
    polling: Polling, clock: ManualClock
) -> None:
    polling.turns.update(LiveSupervisors(True, 0, 20, 20, 0.0))
    for _ in range(6):
        _notified(polling, 0.19)

    assert not polling.wants_notify


def test_of_several_supervisors_each_polls_in_its_turn_and_scans_no_more_in_between(
    polling: Polling, clock: ManualClock
) -> None:
    polling.start_poll()
    polling.turns.update(LiveSupervisors(True, 2, 4, 1, 100.0))
    left = [polling.poll_in_seconds]
    clock.advance(2.0)
    polling.start_poll()
    left.append(polling.poll_in_seconds)

    assert [2.0, 4.0] == left
    assert [0.02, 0.04, 0.08, 0.16, 0.32, 0.64, inf] == _pauses(polling, 7, found=False)


def test_a_poll_that_came_early_with_a_scan_moves_the_next_one(
    polling: Polling, clock: ManualClock
) -> None:
    polling.start_poll()
    clock.advance(0.92)
    polling.start_poll()
    clock.advance(0.92)

    assert polling.is_poll_due


@pytest.mark.parametrize(("is_storm", "seconds"), [(True, 0.001), (False, 0.06)])
def test_of_several_supervisors_one_scans_again_in_a_storm_and_after_a_slow_scan(
    polling: Polling, is_storm: bool, seconds: float
) -> None:
    polling.turns.update(LiveSupervisors(True, 0, 200, 200, 0.0))
    if is_storm:
        polling.suppress()
    for _ in range(10):
        polling.scanned(found=False, seconds=seconds)

    assert polling.pause <= 2.0
