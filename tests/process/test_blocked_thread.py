"""When it is certain that a worker will not start what waits in its hand."""

import pytest
from now import Now

from pgqueue.process.blocked_thread import BlockedThread, Reclaim
from pgqueue.process.scoreboard import Scoreboard


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Now:
    return Now(monkeypatch)


def _blockade(scoreboard: Scoreboard, *, gives_back: bool = False) -> BlockedThread:
    return BlockedThread(3, scoreboard, gives_back=gives_back)


def test_what_a_blocked_worker_has_started_is_told_at_the_second_look(now: Now) -> None:
    scoreboard = Scoreboard(3)
    blocked_thread = _blockade(scoreboard)
    scoreboard.start(8, None)
    slot = scoreboard.start(7, None)
    scoreboard.show(slot)

    now.seconds += 4.9
    early = blocked_thread.look(), blocked_thread.is_reclaiming
    now.seconds += 0.1
    first = blocked_thread.look(), scoreboard.reclaim_count
    reclaim, again = blocked_thread.look(), blocked_thread.look()
    was_open = reclaim == Reclaim(3, frozenset({7, 8}), 7, is_open=True)
    scoreboard.show(0)
    last = blocked_thread.look(), scoreboard.reclaim_count

    assert (None, False) == early
    assert (None, 1) == first
    assert was_open
    assert again is None
    assert (None, 2) == last
    assert reclaim is not None
    assert not reclaim.is_open


def test_a_recall_lasts_as_long_as_the_same_job_has_the_thread(now: Now) -> None:
    scoreboard = Scoreboard(3)
    blocked_thread = _blockade(scoreboard)
    slot = scoreboard.start(7, None)
    scoreboard.show(slot)
    now.seconds += 5
    blocked_thread.look()
    first = blocked_thread.look()
    now.seconds += 60
    meanwhile = blocked_thread.look(), blocked_thread.is_reclaiming

    scoreboard.show(0)
    scoreboard.show(slot)
    now.seconds += 5
    between = blocked_thread.look()
    second = blocked_thread.look()

    assert (None, True) == meanwhile
    assert between is None
    assert first is not None
    assert not first.is_open
    assert second is not None
    assert second.is_open
    assert 3 == scoreboard.reclaim_count


def test_a_job_that_gave_way_between_the_looks_has_nothing_taken_back(now: Now) -> None:
    scoreboard = Scoreboard(3)
    blocked_thread = _blockade(scoreboard)
    slot = scoreboard.start(7, None)
    scoreboard.show(slot)
    now.seconds += 5
    blocked_thread.look()

    now.seconds += 0.5
    scoreboard.show(0)
    scoreboard.show(slot)
    early = blocked_thread.look(), scoreboard.reclaim_count

    assert (None, 2) == early


def test_a_board_without_a_place_left_takes_nothing_back(now: Now) -> None:
    scoreboard = Scoreboard(1)
    blocked_thread = _blockade(scoreboard)
    scoreboard.show(scoreboard.start(7, None))
    scoreboard.start(8, None)
    scoreboard.show(1)

    now.seconds += 5
    looks = blocked_thread.look(), blocked_thread.look()

    assert (None, None) == looks
    assert 0 == scoreboard.reclaim_count


def test_a_worker_whose_claim_loop_gives_back_is_recalled_when_that_stands_still(now: Now) -> None:
    scoreboard = Scoreboard(1)
    blocked_thread = _blockade(scoreboard, gives_back=True)
    scoreboard.show(scoreboard.start(7, None))
    now.seconds += 60
    scoreboard.turn()
    blocked_thread.look()
    turning = blocked_thread.is_reclaiming

    now.seconds += 5
    blocked_thread.look()

    assert (False, True) == (turning, blocked_thread.is_reclaiming)


def test_the_end_of_a_worker_ends_its_recall(now: Now) -> None:
    scoreboard = Scoreboard(1)
    blocked_thread = _blockade(scoreboard)
    blocked_thread.end()
    scoreboard.show(scoreboard.start(7, None))
    now.seconds += 5
    blocked_thread.look()
    reclaim = blocked_thread.look()

    blocked_thread.end()

    assert reclaim is not None
    assert not reclaim.is_open
    assert 2 == scoreboard.reclaim_count


def test_a_job_that_blocks_its_worker_is_told_once(now: Now) -> None:
    scoreboard = Scoreboard(3)
    blocked_thread = _blockade(scoreboard)
    slot = scoreboard.start(7, None)
    scoreboard.show(slot)
    early = blocked_thread.news()
    now.seconds += 5
    told = blocked_thread.news(), blocked_thread.news()
    scoreboard.show(0)
    scoreboard.show(slot)
    now.seconds += 5

    assert early is None
    assert (7, None) == told
    assert 7 == blocked_thread.news()
