"""What a supervisor reads on the board of its worker."""

import os
import subprocess
import sys
import time
from math import inf

import pytest

from pgqueue.process.scoreboard import Scoreboard, scoreboard_file


def test_a_job_is_told_from_its_start_until_it_is_settled() -> None:
    scoreboard = Scoreboard(3)

    slot = scoreboard.start(7, 12.5)
    other = scoreboard.start(8, None)
    assert {7: 12.5, 8: inf} == scoreboard.started()

    scoreboard.end(slot)
    assert {7: inf, 8: inf} == scoreboard.started()

    scoreboard.forget(slot)
    scoreboard.forget(other)
    assert {} == scoreboard.started()


def test_places_are_used_again_and_what_finds_none_makes_the_board_worthless() -> None:
    scoreboard = Scoreboard(1)
    for job_id in range(3):
        scoreboard.forget(scoreboard.start(job_id + 1, None))
    assert {} == scoreboard.started()

    scoreboard.start(8, None)
    scoreboard.forget(scoreboard.start(9, None))

    assert scoreboard.started() is None


def test_who_has_the_main_thread_for_long_is_blocking(monkeypatch: pytest.MonkeyPatch) -> None:
    scoreboard = Scoreboard(2)
    scoreboard.show(scoreboard.start(7, None))
    assert scoreboard.blocking(60) is None

    now = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: now)
    assert 7 == scoreboard.blocking(60)

    scoreboard.show(0)
    assert scoreboard.blocking(0) is None


def test_two_processes_have_one_board() -> None:
    file = scoreboard_file()
    ours = Scoreboard(2, file)

    child = os.fork()
    if child == 0:
        theirs = Scoreboard(2, file)
        theirs.show(theirs.start(7, 1.0))
        os._exit(0)
    os.waitpid(child, 0)
    os.close(file)

    assert {7: 1.0} == ours.started()
    assert 7 == ours.blocking(0)


_WRITER = """
import sys
from pgqueue.process.scoreboard import Scoreboard

board = Scoreboard(2, int(sys.argv[1]))
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
    file = scoreboard_file()
    scoreboard = Scoreboard(2, file)
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(file)], pass_fds=[file], stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()

        blocks = [scoreboard.block(5.0) for _ in range(300_000)]
        still = [scoreboard.stalled_seconds() for _ in range(300_000)]
        started = [scoreboard.started() or {} for _ in range(100_000)]

        writer.kill()
    os.close(file)

    assert {None} == set(blocks)
    assert max(still) < 5.0
    assert {inf} == {each.get(7) for each in started}
    assert {7, 8} >= {job_id for each in started for job_id in each}


def test_a_claim_loop_stands_still_from_its_last_turn_on(monkeypatch: pytest.MonkeyPatch) -> None:
    scoreboard = Scoreboard(1)
    before = scoreboard.stalled_seconds()
    scoreboard.turn()
    scoreboard.show(scoreboard.start(7, 12.5))
    scoreboard.start(8, None)

    now = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: now)

    assert before == 0.0
    assert 61 <= scoreboard.stalled_seconds() < 62
    assert scoreboard.started() is None


def test_a_worker_that_is_gone_waits_for_no_hint() -> None:
    scoreboard = Scoreboard(1)
    scoreboard.set_waiting(True)
    before = scoreboard.is_waiting

    scoreboard.close()

    assert (True, False) == (before, scoreboard.is_waiting)
