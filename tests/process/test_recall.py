"""When it is certain that a worker will not start what waits in its hand."""

import time

import pytest

from pgqueue.process.board import Board
from pgqueue.process.recall import Blockade


class Now:
    """The monotonic clock, as a test sets it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 1_000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.seconds)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Now:
    return Now(monkeypatch)


def test_what_a_blocked_worker_has_started_is_told_at_the_second_look(now: Now) -> None:
    board = Board(3)
    blockade = Blockade(board)
    board.start(8, None)
    board.show(board.start(7, None))

    now.seconds += 4.9
    early = blockade.begins()
    now.seconds += 0.1
    found = blockade.started(), blockade.begins()
    odd = board.recalls
    now.seconds += 1
    told = blockade.started(), blockade.started(), blockade.begins()
    blockade.ends()

    assert (None, (None, 7), 1) == (early, found, odd)
    assert (frozenset({7, 8}), None, None) == told
    assert 2 == board.recalls


def test_a_worker_is_recalled_once_for_each_job_that_blocks_it(now: Now) -> None:
    board = Board(3)
    blockade = Blockade(board)
    board.show(board.start(7, None))
    now.seconds += 5
    blockade.begins()
    blockade.started()
    blockade.ends()

    now.seconds += 60
    again = blockade.begins()
    board.show(0)
    board.show(board.start(8, None))
    now.seconds += 5

    assert (None, 8) == (again, blockade.begins())


def test_a_job_that_gave_way_between_the_looks_has_nothing_taken_back(now: Now) -> None:
    board = Board(3)
    blockade = Blockade(board)
    place = board.start(7, None)
    board.show(place)
    now.seconds += 5
    blockade.begins()

    now.seconds += 0.5
    board.show(0)
    board.show(place)
    now.seconds += 5

    assert blockade.started() is None
    assert 2 == board.recalls
    assert 7 == blockade.begins()


def test_a_board_without_a_place_left_takes_nothing_back(now: Now) -> None:
    board = Board(1)
    blockade = Blockade(board)
    board.show(board.start(7, None))
    now.seconds += 5
    blockade.begins()
    board.start(8, None)
    board.show(1)
    now.seconds += 5

    assert blockade.started() is None
    assert 2 == board.recalls
