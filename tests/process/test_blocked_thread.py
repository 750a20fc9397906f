"""When it is certain that a worker starts none of the jobs that wait behind another one."""

import pytest
from manual_clock import ManualClock

from pgqueue.process.blocked_thread import BlockedThread, Reclaim
from pgqueue.process.scoreboard import Scoreboard


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def scoreboard(clock: ManualClock) -> Scoreboard:
    """The scoreboard of a worker, with three slots."""
    return Scoreboard(3, clock=clock)


def _thread(scoreboard: Scoreboard, *, releases_waiting: bool = False) -> BlockedThread:
    return BlockedThread(3, scoreboard, releases_waiting=releases_waiting)


def test_a_blocked_workers_started_jobs_are_known_at_the_second_check(
    scoreboard: Scoreboard, clock: ManualClock
) -> None:
    thread = _thread(scoreboard)
    scoreboard.add(8, None)
    slot = scoreboard.add(7, None)
    scoreboard.set_running(slot)

    clock.advance(4.9)
    early = thread.check(), thread.is_reclaiming
    clock.advance(0.1)
    first = thread.check(), scoreboard.reclaim_count
    reclaim, again = thread.check(), thread.check()
    was_open = reclaim == Reclaim(3, frozenset({7, 8}), 7, is_open=True)
    scoreboard.set_running(0)
    last = thread.check(), scoreboard.reclaim_count

    assert (None, False) == early
    assert (None, 1) == first
    assert was_open
    assert again is None
    assert (None, 2) == last
    assert reclaim is not None
    assert not reclaim.is_open


def test_a_reclaim_lasts_while_one_job_has_the_thread(
    scoreboard: Scoreboard, clock: ManualClock
) -> None:
    thread = _thread(scoreboard)
    slot = scoreboard.add(7, None)
    scoreboard.set_running(slot)
    clock.advance(5)
    thread.check()
    first = thread.check()
    clock.advance(60)
    meanwhile = thread.check(), thread.is_reclaiming

    scoreboard.set_running(0)
    scoreboard.set_running(slot)
    clock.advance(5)
    between = thread.check()
    second = thread.check()

    assert (None, True) == meanwhile
    assert between is None
    assert first is not None
    assert not first.is_open
    assert second is not None
    assert second.is_open
    assert 3 == scoreboard.reclaim_count


def test_nothing_is_reclaimed_behind_a_job_that_paused_between_the_checks(
    scoreboard: Scoreboard, clock: ManualClock
) -> None:
    thread = _thread(scoreboard)
    slot = scoreboard.add(7, None)
    scoreboard.set_running(slot)
    clock.advance(5)
    thread.check()

    clock.advance(0.5)
    scoreboard.set_running(0)
    scoreboard.set_running(slot)
    early = thread.check(), scoreboard.reclaim_count

    assert (None, 2) == early


def test_nothing_is_reclaimed_when_the_scoreboard_has_no_slot_left(clock: ManualClock) -> None:
    scoreboard = Scoreboard(1, clock=clock)
    thread = _thread(scoreboard)
    slot = scoreboard.add(7, None)
    scoreboard.add(8, None)
    scoreboard.set_running(slot)

    clock.advance(5)
    checks = thread.check(), thread.check()

    assert (None, None) == checks
    assert 0 == scoreboard.reclaim_count


def test_a_worker_that_releases_jobs_itself_is_reclaimed_when_its_claim_loop_stands_still(
    clock: ManualClock,
) -> None:
    scoreboard = Scoreboard(1, clock=clock)
    thread = _thread(scoreboard, releases_waiting=True)
    scoreboard.set_running(scoreboard.add(7, None))
    clock.advance(60)
    scoreboard.record_turn()
    thread.check()
    turning = thread.is_reclaiming

    clock.advance(5)
    thread.check()

    assert (False, True) == (turning, thread.is_reclaiming)


def test_the_end_of_a_worker_ends_its_reclaim(clock: ManualClock) -> None:
    scoreboard = Scoreboard(1, clock=clock)
    thread = _thread(scoreboard)
    thread.end_reclaim()
    scoreboard.set_running(scoreboard.add(7, None))
    clock.advance(5)
    thread.check()
    reclaim = thread.check()

    thread.end_reclaim()

    assert reclaim is not None
    assert not reclaim.is_open
    assert 2 == scoreboard.reclaim_count


def test_a_job_that_blocks_its_worker_is_reported_once(
    scoreboard: Scoreboard, clock: ManualClock
) -> None:
    thread = _thread(scoreboard)
    slot = scoreboard.add(7, None)
    scoreboard.set_running(slot)
    early = thread.new_blocking_job_id()
    clock.advance(5)
    job_ids = thread.new_blocking_job_id(), thread.new_blocking_job_id()
    scoreboard.set_running(0)
    scoreboard.set_running(slot)
    clock.advance(5)

    assert early is None
    assert (7, None) == job_ids
    assert 7 == thread.new_blocking_job_id()
