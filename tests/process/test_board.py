"""What a supervisor reads on the board of its worker."""

import os
import subprocess
import sys
import time
from math import inf

import pytest

from pgqueue.process.board import Board, board_file


def test_a_job_is_told_from_its_start_until_it_is_settled() -> None:
    board = Board(3)

    place = board.start(7, 12.5)
    other = board.start(8, None)
    assert {7: 12.5, 8: inf} == board.started()

    board.end(place)
    assert {7: inf, 8: inf} == board.started()

    board.forget(place)
    board.forget(other)
    assert {} == board.started()


def test_places_are_used_again_and_what_finds_none_makes_the_board_worthless() -> None:
    board = Board(1)
    for job_id in range(3):
        board.forget(board.start(job_id + 1, None))
    assert {} == board.started()

    board.start(8, None)
    board.forget(board.start(9, None))

    assert board.started() is None


def test_who_has_the_main_thread_for_long_is_blocking(monkeypatch: pytest.MonkeyPatch) -> None:
    board = Board(2)
    board.show(board.start(7, None))
    assert board.blocking(60) is None

    now = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: now)
    assert 7 == board.blocking(60)

    board.show(0)
    assert board.blocking(0) is None


def test_two_processes_have_one_board() -> None:
    file = board_file()
    ours = Board(2, file)

    child = os.fork()
    if child == 0:
        theirs = Board(2, file)
        theirs.show(theirs.start(7, 1.0))
        os._exit(0)
    os.waitpid(child, 0)
    os.close(file)

    assert {7: 1.0} == ours.started()
    assert 7 == ours.blocking(0)


_WRITER = """
import sys
from pgqueue.process.board import Board

board = Board(2, int(sys.argv[1]))
kept = board.start(7, None)
print("writes", flush=True)
while True:
    board.show(kept)
    board.turn()
    place = board.start(8, None)
    board.end(place)
    board.forget(place)
    board.end(kept)
    board.show(0)
"""


def test_nothing_is_ever_read_that_was_half_written() -> None:
    file = board_file()
    board = Board(2, file)
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(file)], pass_fds=[file], stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()

        blocks = [board.block(5.0) for _ in range(300_000)]
        still = [board.still_seconds() for _ in range(300_000)]
        started = [board.started() or {} for _ in range(100_000)]

        writer.kill()
    os.close(file)

    assert {None} == set(blocks)
    assert max(still) < 5.0
    assert {inf} == {each.get(7) for each in started}
    assert {7, 8} >= {job_id for each in started for job_id in each}


def test_a_claim_loop_stands_still_from_its_last_turn_on(monkeypatch: pytest.MonkeyPatch) -> None:
    board = Board(1)
    before = board.still_seconds()
    board.turn()
    board.show(board.start(7, 12.5))
    board.start(8, None)

    now = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: now)

    assert before == 0.0
    assert 61 <= board.still_seconds() < 62
    assert board.started() is None


def test_a_worker_that_is_gone_waits_for_no_hint() -> None:
    board = Board(1)
    board.wait_for_hint(True)
    before = board.waits_for_hint

    board.close()

    assert (True, False) == (before, board.waits_for_hint)
