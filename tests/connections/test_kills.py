"""An at_most_once job starts at most once, whatever is killed: a ledger proves it."""

import os
import random
import signal
import subprocess
from collections.abc import Iterator
from uuid import uuid4

import pytest
from chaos import procs
from chaos.server import Server
from proxied_fleet import ProxiedFleet, running_fleet

# The number of kills; a long run sets more.
KILLS = int(os.environ.get("CONNECTIONS_KILLS", "15"))
SEED = int(os.environ.get("CONNECTIONS_SEED", "1"))


@pytest.fixture
def fleet(server: Server) -> Iterator[ProxiedFleet]:
    """A fleet without a supervisor."""
    with running_fleet(server) as proxied:
        yield proxied


def _start(fleet: ProxiedFleet) -> None:
    fleet.start(
        *("--processes", "1", "--greenlets", "5"),
        PGQUEUE_LEASE_SECONDS="3",
        PGQUEUE_HEARTBEAT_SECONDS="0.5",
        PGQUEUE_POLL_SECONDS="0.2",
    )


def _worker_with_a_job(
    fleet: ProxiedFleet, rng: random.Random
) -> "tuple[int, subprocess.Popen[bytes]]":
    """The process id of a live worker with a job, and its supervisor."""
    workers: list[tuple[int, subprocess.Popen[bytes]]] = []

    def is_running() -> bool:
        live = {
            pid: supervisor
            for supervisor in fleet.supervisors
            for pid in procs.children(supervisor.pid)
        }
        workers[:] = [(pid, live[pid]) for (pid,) in fleet.rows(_RUNNING) if pid in live]
        return bool(workers)

    fleet.until(is_running, "a job runs")
    return rng.choice(workers)


_RUNNING = "select distinct pid from pgqueue.running_jobs where pid is not null order by pid"


@pytest.mark.timeout(60 + 3 * KILLS)
def test_at_most_once_is_started_at_most_once_whatever_dies(fleet: ProxiedFleet) -> None:
    rng = random.Random(SEED)
    keys: list[str] = []
    for _ in range(2):
        _start(fleet)
    fleet.until_recorded()

    for _ in range(KILLS):
        for _ in range(20 - fleet.client.count(status="queued")):
            keys.append(uuid4().hex)
            fleet.enqueue(keys[-1], "depot.tasks.cautious", args={"seconds": rng.uniform(0.0, 0.6)})
        worker, supervisor = _worker_with_a_job(fleet, rng)
        if rng.random() < 0.5:
            procs.send(worker, signal.SIGKILL)
        else:
            fleet.kill(supervisor, with_children=rng.random() < 0.5)
            _start(fleet)

    fleet.assert_nothing_lost_or_repeated()
    starts = fleet.starts("depot.tasks.cautious")
    assert [] == [key for key, count in starts.items() if count > 1]
    statuses = {job.args["key"]: job.status.value for job in fleet.client.jobs(limit=100_000)}
    assert set(keys) == set(statuses)
    succeeded = {key for key, status in statuses.items() if status == "succeeded"}
    assert succeeded
    assert succeeded <= set(starts)
    failed = sum(status == "failed" for status in statuses.values())
    print(f"{KILLS} kills, {len(keys)} jobs, {failed} failed for a person, none started twice")
