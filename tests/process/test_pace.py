"""When the next look is taken."""

import random

import pytest
from now import Now

from pgqueue.process.polling import Polling


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Now:
    monkeypatch.setattr(random, "uniform", lambda least, most: most)
    return Now(monkeypatch)


@pytest.fixture
def pace(now: Now) -> Polling:
    return Polling(1.0, rest_seconds_max=10.0)


def _rush(pace: Polling, now: Now, looks: int = 20) -> None:
    for _ in range(looks):
        # Looks may take long: what counts is that the next notification was there already.
        now.seconds += 0.04
        now.seconds += pace.woken(0.005)


def _pauses(pace: Polling, count: int, *, found: bool) -> list[float]:
    pauses = []
    for _ in range(count):
        pace.looked(found=found, seconds=0.001)
        pauses.append(round(pace.pause, 3))
    return pauses


def test_the_longer_nothing_is_found_the_longer_the_pauses(pace: Polling) -> None:
    assert [0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.0, 1.0] == _pauses(pace, 8, found=False)


def test_who_found_something_looks_again_soon(pace: Polling) -> None:
    _pauses(pace, 8, found=False)

    assert [0.01, 0.02, 0.04] == _pauses(pace, 3, found=True)


def test_the_longer_something_is_found_the_more_workers_are_woken(pace: Polling) -> None:
    woken = []
    for found in (True, True, True, False, True):
        pace.looked(found=found, seconds=0.001)
        woken.append(pace.wakes)

    assert [1, 2, 4, 1, 1] == woken


def test_what_nobody_claims_goes_on_to_wake_one_at_a_time(pace: Polling) -> None:
    woken = []
    for _ in range(14):
        pace.looked(found=True, seconds=0.001)
        woken.append(pace.wakes)
    pace.woken(1.0)
    for _ in range(2):
        pace.looked(found=True, seconds=0.001)
        woken.append(pace.wakes)

    assert [512, 1024, 1, 1, 1, 1, 2] == woken[-7:]


def test_a_look_that_takes_some_time_leaves_room_for_others(pace: Polling, now: Now) -> None:
    _rush(pace, now)
    pace.looked(found=True, seconds=0.01)

    assert 0.05 == pytest.approx(pace.pause)


def test_a_notification_is_followed_by_a_look_at_once(pace: Polling, now: Now) -> None:
    now.seconds += 1.0

    assert 0.0 == pace.woken(1.0)
    assert 0.01 == pace.woken(0.0)


def test_supervisors_that_hear_the_same_look_one_after_the_other(pace: Polling, now: Now) -> None:
    now.seconds += 1.0
    pace.supervisor_count = 51

    assert 0.05 == pytest.approx(pace.woken(1.0))


def test_in_a_rush_nobody_is_to_notify_and_looks_go_on(pace: Polling, now: Now) -> None:
    _rush(pace, now)

    assert not pace.wants_notify
    assert [0.01] * 4 == _pauses(pace, 4, found=False)


def test_a_few_notifications_are_no_rush(pace: Polling, now: Now) -> None:
    for _ in range(50):
        now.seconds += 0.03
        now.seconds += pace.woken(0.015)

    assert pace.wants_notify


def test_many_supervisors_look_together_no_more_often_than_one(pace: Polling, now: Now) -> None:
    pace.supervisor_count = 20
    _rush(pace, now, 400)

    assert [0.02, 0.04, 0.08, 0.16, 0.2, 0.2] == _pauses(pace, 6, found=False)


def test_a_rush_that_goes_on_is_asked_about_less_and_less_often(pace: Polling, now: Now) -> None:
    asked = []
    for _ in range(5):
        _rush(pace, now, 6)
        before = now.seconds
        while not pace.wants_notify:
            now.seconds += 0.5
        asked.append(round(now.seconds - before))

    assert [5, 10, 20, 30, 30] == asked


def test_a_new_rush_is_asked_about_soon(pace: Polling, now: Now) -> None:
    for _ in range(4):
        _rush(pace, now, 6)
        now.seconds += 25.0
    now.seconds += 100.0

    _rush(pace, now, 6)
    now.seconds += 5.1

    assert pace.wants_notify


@pytest.mark.parametrize(("seconds", "rest"), [(0.05, 0.0), (0.06, 1.2), (1.0, 10.0), (20.0, 10.0)])
def test_a_look_that_takes_long_is_taken_for_a_twentieth_of_the_time_or_each_ten_seconds(
    pace: Polling, now: Now, seconds: float, rest: float
) -> None:
    pace.looked(found=True, seconds=seconds)
    may_look = [pace.may_look]
    for later in (rest - 0.01, 0.02):
        now.seconds += later
        may_look.append(pace.may_look)

    assert [rest == 0.0, rest == 0.0, True] == may_look
