"""When it is certain that a worker will not start what waits in its hand."""

import pytest
from now import Now

from pgqueue.process.board import Board
from pgqueue.process.recall import Blockade, Recall


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Now:
    return Now(monkeypatch)


def _blockade(board: Board, *, gives_back: bool = False) -> Blockade:
    return Blockade(3, board, gives_back=gives_back)


def test_what_a_blocked_worker_has_started_is_told_at_the_second_look(now: Now) -> None:
    board = Board(3)
    blockade = _blockade(board)
    board.start(8, None)
    place = board.start(7, None)
    board.show(place)

    now.seconds += 4.9
    early = blockade.look(), blockade.is_recalled
    now.seconds += 0.1
    first = blockade.look(), board.recalls
    recall, again = blockade.look(), blockade.look()
    was_open = recall == Recall(3, frozenset({7, 8}), 7, is_open=True)
    board.show(0)
    last = blockade.look(), board.recalls

    assert (None, False) == early
    assert (None, 1) == first
    assert was_open
    assert again is None
    assert (None, 2) == last
    assert recall is not None
    assert not recall.is_open


def test_a_recall_lasts_as_long_as_the_same_job_has_the_thread(now: Now) -> None:
    board = Board(3)
    blockade = _blockade(board)
    place = board.start(7, None)
    board.show(place)
    now.seconds += 5
    blockade.look()
    first = blockade.look()
    now.seconds += 60
    meanwhile = blockade.look(), blockade.is_recalled

    board.show(0)
    board.show(place)
    now.seconds += 5
    between = blockade.look()
    second = blockade.look()

    assert (None, True) == meanwhile
    assert between is None
    assert first is not None
    assert not first.is_open
    assert second is not None
    assert second.is_open
    assert 3 == board.recalls


def test_a_job_that_gave_way_between_the_looks_has_nothing_taken_back(now: Now) -> None:
    board = Board(3)
    blockade = _blockade(board)
    place = board.start(7, None)
    board.show(place)
    now.seconds += 5
    blockade.look()

    now.seconds += 0.5
    board.show(0)
    board.show(place)
    early = blockade.look(), board.recalls

    assert (None, 2) == early


def test_a_board_without_a_place_left_takes_nothing_back(now: Now) -> None:
    board = Board(1)
    blockade = _blockade(board)
    board.show(board.start(7, None))
    board.start(8, None)
    board.show(1)

    now.seconds += 5
    looks = blockade.look(), blockade.look()

    assert (None, None) == looks
    assert 0 == board.recalls


def test_a_worker_whose_claim_loop_gives_back_is_recalled_when_that_stands_still(now: Now) -> None:
    board = Board(1)
    blockade = _blockade(board, gives_back=True)
    board.show(board.start(7, None))
    now.seconds += 60
    board.turn()
    blockade.look()
    turning = blockade.is_recalled

    now.seconds += 5
    blockade.look()

    assert (False, True) == (turning, blockade.is_recalled)


def test_the_end_of_a_worker_ends_its_recall(now: Now) -> None:
    board = Board(1)
    blockade = _blockade(board)
    blockade.end()
    board.show(board.start(7, None))
    now.seconds += 5
    blockade.look()
    recall = blockade.look()

    blockade.end()

    assert recall is not None
    assert not recall.is_open
    assert 2 == board.recalls


def test_a_job_that_blocks_its_worker_is_told_once(now: Now) -> None:
    board = Board(3)
    blockade = _blockade(board)
    place = board.start(7, None)
    board.show(place)
    early = blockade.news()
    now.seconds += 5
    told = blockade.news(), blockade.news()
    board.show(0)
    board.show(place)
    now.seconds += 5

    assert early is None
    assert (7, None) == told
    assert 7 == blockade.news()
