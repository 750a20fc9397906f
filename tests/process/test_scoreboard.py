"""What a supervisor reads on the scoreboard of its worker."""

import os
import subprocess
import sys
from math import inf

from manual_clock import ManualClock

from pgqueue.process.scoreboard import RunningJob, Scoreboard, scoreboard_file


def test_a_job_is_shown_from_its_start_until_it_is_settled() -> None:
    scoreboard = Scoreboard(3)

    slot = scoreboard.add(7, 12.5)
    other = scoreboard.add(8, None)
    assert {7: 12.5, 8: inf} == scoreboard.started()

    scoreboard.finish(slot)
    assert {7: inf, 8: inf} == scoreboard.started()

    scoreboard.remove(slot)
    scoreboard.remove(other)
    assert {} == scoreboard.started()


def test_slots_are_used_again_and_a_job_without_one_makes_the_started_jobs_unknown() -> None:
    scoreboard = Scoreboard(1)
    for job_id in range(3):
        scoreboard.remove(scoreboard.add(job_id + 1, None))
    assert {} == scoreboard.started()

    scoreboard.add(8, None)
    scoreboard.add(9, None)

    assert scoreboard.started() is None


def test_a_job_that_has_the_main_thread_for_long_is_blocking() -> None:
    clock = ManualClock()
    scoreboard = Scoreboard(2, clock=clock)
    scoreboard.set_running(scoreboard.add(7, None))
    since = clock.monotonic()
    assert scoreboard.blocking_job_id(60) is None

    clock.advance(61)
    assert 7 == scoreboard.blocking_job_id(60)
    assert RunningJob(7, since) == scoreboard.blocked_by(60)

    scoreboard.set_running(0)
    assert scoreboard.blocking_job_id(0) is None


def test_two_processes_share_one_scoreboard() -> None:
    file = scoreboard_file()
    ours = Scoreboard(2, file)

    child = os.fork()
    if child == 0:
        theirs = Scoreboard(2, file)
        theirs.set_running(theirs.add(7, 1.0))
        os._exit(0)
    os.waitpid(child, 0)
    os.close(file)

    assert {7: 1.0} == ours.started()
    assert 7 == ours.blocking_job_id(0)


_WRITER = """
import sys
from pgqueue.process.scoreboard import Scoreboard

scoreboard = Scoreboard(2, int(sys.argv[1]))
kept = scoreboard.add(7, None)
print("writes", flush=True)
while True:
    scoreboard.set_running(kept)
    scoreboard.record_turn()
    slot = scoreboard.add(8, None)
    scoreboard.finish(slot)
    scoreboard.remove(slot)
    scoreboard.finish(kept)
    scoreboard.set_running(0)
"""


def test_no_value_is_read_that_was_half_written() -> None:
    file = scoreboard_file()
    scoreboard = Scoreboard(2, file)
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(file)], pass_fds=[file], stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()

        blocking = [scoreboard.blocked_by(5.0) for _ in range(300_000)]
        stalled = [scoreboard.stalled_seconds() for _ in range(300_000)]
        started = [scoreboard.started() or {} for _ in range(100_000)]

        writer.kill()
    os.close(file)

    assert {None} == set(blocking)
    assert max(stalled) < 5.0
    assert {inf} == {jobs.get(7) for jobs in started}
    assert {7, 8} >= {job_id for jobs in started for job_id in jobs}


def test_a_claim_loop_stands_still_from_its_last_turn_on() -> None:
    clock = ManualClock()
    scoreboard = Scoreboard(1, clock=clock)
    before = scoreboard.stalled_seconds()
    scoreboard.record_turn()
    scoreboard.set_running(scoreboard.add(7, 12.5))
    scoreboard.add(8, None)

    clock.advance(61)

    assert 0.0 == before
    assert 61.0 == scoreboard.stalled_seconds()
    assert scoreboard.started() is None


def test_a_worker_that_has_ended_does_not_wait_to_be_woken() -> None:
    scoreboard = Scoreboard(1)
    scoreboard.set_waiting(True)
    before = scoreboard.is_waiting

    scoreboard.close()

    assert (True, False) == (before, scoreboard.is_waiting)


def test_a_worker_is_idle_while_it_waits_and_has_no_job() -> None:
    scoreboard = Scoreboard(2)
    idle = [scoreboard.is_idle]
    scoreboard.set_waiting(True)
    idle.append(scoreboard.is_idle)
    slot = scoreboard.add(7, None)
    idle.append(scoreboard.is_idle)
    scoreboard.finish(slot)
    idle.append(scoreboard.is_idle)
    scoreboard.remove(slot)
    idle.append(scoreboard.is_idle)
    scoreboard.close()
    idle.append(scoreboard.is_idle)

    assert [False, True, False, False, True, False] == idle


def test_a_job_without_a_slot_is_unknown_until_it_is_settled() -> None:
    scoreboard = Scoreboard(1)
    shown, unshown = scoreboard.add(7, None), scoreboard.add(8, None)

    def state() -> tuple[bool, bool]:
        return scoreboard.has_running, scoreboard.started() is None

    states = [state()]
    for change in (scoreboard.finish, scoreboard.remove):
        for slot in (shown, unshown):
            change(slot)
            states.append(state())
    scoreboard.remove(0)  # of an attempt that never started

    assert [(True, True), (True, True), (False, True), (False, True), (False, False)] == states
    assert (False, {}) == (scoreboard.has_running, scoreboard.started())
