"""A host is cut off for longer than its lease: no attempt runs beside its second one."""

import signal
import time
from collections.abc import Iterator

import pytest
from chaos import procs
from chaos.proxy import Mode
from chaos.server import Server
from proxied_fleet import ProxiedFleet, running_fleet

from pgqueue.core.job import Job

_LEASE = {
    "PGQUEUE_LEASE_SECONDS": "9",
    "PGQUEUE_HEARTBEAT_SECONDS": "1",
    "PGQUEUE_TASKS": "depot.stepping",
    "PGQUEUE_CPUS": "3",
}
_TASKS = (
    "in_a_greenlet",
    "in_a_coroutine",
    "in_a_process",
    "without_a_pause",
    "that_swallows_errors",
)


@pytest.fixture
def fleet(server: Server) -> Iterator[ProxiedFleet]:
    """A supervisor behind the proxy, which runs a job of each kind."""
    with running_fleet(server) as opened:
        opened.start("--processes", "1", **_LEASE)
        opened.until(lambda: opened.client.task("depot.stepping.in_a_process") is not None, "known")
        yield opened


def _started(fleet: ProxiedFleet) -> list[Job]:
    until = str(fleet.path("until"))
    jobs = [fleet.enqueue(task, f"depot.stepping.{task}", args={"until": until}) for task in _TASKS]
    for task in _TASKS:
        fleet.until(fleet.path(task).exists, f"{task} started")
    return jobs


def _times(fleet: ProxiedFleet, task: str) -> dict[int, list[float]]:
    """The times of the steps of each attempt."""
    times: dict[int, list[float]] = {}
    for line in fleet.path(task).read_text().splitlines():
        attempt, _, at = line.partition(" ")
        times.setdefault(int(attempt), []).append(float(at))
    return times


def _start_second(fleet: ProxiedFleet) -> None:
    fleet.start("--processes", "1", **_LEASE, PGQUEUE_URL=fleet.url, DEPOT_URL=fleet.url)
    fleet.until(
        lambda: (
            fleet.rows(
                "select count(distinct supervisor_id) from pgqueue.workers where pid is not null"
            )
            == [(2,)]
        ),
        "two supervisors",
    )


def _assert_no_overlap(fleet: ProxiedFleet) -> None:
    fleet.until(
        lambda: all(2 in _times(fleet, task) for task in _TASKS), "second attempts", seconds=60
    )
    for task in _TASKS:
        times = _times(fleet, task)
        assert max(times[1]) < min(times[2]), task


def test_jobs_of_a_cut_host_stop_before_their_second_attempts_start(fleet: ProxiedFleet) -> None:
    jobs = _started(fleet)
    _start_second(fleet)

    fleet.proxy.set(Mode.BLACK_HOLE)

    _assert_no_overlap(fleet)
    fleet.release("until")
    fleet.until_final(*jobs)
    assert {2} == {job.refresh().attempt for job in jobs}


def test_jobs_of_a_frozen_supervisor_stop_before_their_second_attempts_start(
    fleet: ProxiedFleet,
) -> None:
    jobs = _started(fleet)
    _start_second(fleet)

    procs.send(fleet.supervisors[0].pid, signal.SIGSTOP)

    _assert_no_overlap(fleet)
    procs.send(fleet.supervisors[0].pid, signal.SIGCONT)
    fleet.release("until")
    fleet.until_final(*jobs)


def test_jobs_stop_where_the_workers_reach_the_database_and_their_supervisor_does_not(
    fleet: ProxiedFleet,
) -> None:
    jobs = _started(fleet)
    _start_second(fleet)

    fleet.proxy.set(Mode.BLACK_HOLE, named="registry")

    _assert_no_overlap(fleet)
    fleet.release("until")
    fleet.until_final(*jobs)


def test_a_result_of_an_outage_is_recorded_though_other_jobs_were_interrupted(
    fleet: ProxiedFleet,
) -> None:
    until = str(fleet.path("short_until"))
    short = fleet.enqueue("short", "depot.stepping.in_a_greenlet", args={"until": until})
    fleet.until(fleet.path("short").exists, "started")
    jobs = _started(fleet)

    fleet.proxy.set(Mode.BLACK_HOLE)
    fleet.release("short_until")
    fleet.until(lambda: all(_has_stopped(fleet, task) for task in _TASKS), "all stopped")
    fleet.proxy.set(Mode.RESET)
    fleet.proxy.set(Mode.PASS)
    fleet.release("until")

    fleet.until_final(short, *jobs)
    assert 1 == short.refresh().attempt
    assert ["interrupted"] * len(jobs) == [
        fleet.client.attempts(job.id)[0].outcome.value for job in jobs
    ]


def _has_stopped(fleet: ProxiedFleet, task: str) -> bool:
    return time.monotonic() - _times(fleet, task)[1][-1] > 1.0
